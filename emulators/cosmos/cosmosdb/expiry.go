package cosmosdb

import (
	"encoding/binary"
	"time"
)

// entry is a document as it is kept: when it was written in Unix milliseconds (8 bytes) and its own ttl
// in seconds, 0 for none (4 bytes), so that expiry needs no JSON; then the JSON.
type entry []byte

const entryHead = 12

func newEntry(o object, now time.Time, ttl int64) entry {
	head := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	head = binary.BigEndian.AppendUint32(head, uint32(int32(ttl)))
	return append(head, o.encode()...)
}

func (e entry) text() []byte { return e[entryHead:] }

// expired tells whether the document is gone, as
// https://learn.microsoft.com/azure/cosmos-db/time-to-live has it: without a default nothing expires, a
// document's own ttl wins over the default, and -1 is never.
func (e entry) expired(byDefault *int64, now time.Time) bool {
	if byDefault == nil {
		return false
	}
	ttl := int64(int32(binary.BigEndian.Uint32(e[8:])))
	if ttl == 0 {
		ttl = *byDefault
	}
	written := time.UnixMilli(int64(binary.BigEndian.Uint64(e)))
	return ttl > 0 && !now.Before(written.Add(time.Duration(ttl)*time.Second))
}

// looks is how many documents a write looks at for ones that have expired.
const looks = 16

// sweep deletes what has expired among the next few documents, going round and round the container with
// the writes. Reads do not see an expired document anyway, so it may take its time.
func (s *Server) sweep(docs shelf) error {
	if docs.DefaultTTL == nil {
		return nil
	}
	var gone [][]byte
	c := docs.documents.Cursor()
	k, e := c.Seek(s.swept[docs.RID])
	for range looks {
		if k == nil {
			k, e = c.First()
		}
		if entry(e).expired(docs.DefaultTTL, docs.now) {
			gone = append(gone, append([]byte(nil), k...))
		}
		k, e = c.Next()
	}
	s.swept[docs.RID] = append([]byte(nil), k...)
	for _, k := range gone {
		if err := docs.documents.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
