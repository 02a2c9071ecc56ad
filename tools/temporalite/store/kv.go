package store

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
)

// A table is the first byte of its rows' keys. The values are part of the file format.
type table byte

const (
	shards            table = 1
	currentExecutions table = 2
	executions        table = 3
	historyNodes      table = 4
	historyTrees      table = 5
	erasures          table = 6
	historyTasks      table = 7
	taskQueues        table = 8
	matchingTasks     table = 9
)

// A key sorts like its parts: integers by value, strings by their bytes.
type key []byte

// terminator ends a string. In a string, "\x00\xff" represents a zero byte.
const terminator = "\x00\x01"

func (t table) key() key { return key{byte(t)} }

func (k key) int(n int64) key {
	return binary.BigEndian.AppendUint64(slices.Clip(k), uint64(n)^1<<63)
}

func (k key) str(parts ...string) key {
	k = slices.Clip(k)
	for _, s := range parts {
		k = append(append(k, strings.ReplaceAll(s, "\x00", "\x00\xff")...), terminator...)
	}
	return k
}

// end returns the first key after all keys that start with k.
func (k key) end() key {
	end := slices.Clone(k)
	for end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	end[len(end)-1]++
	return end
}

// cutInt and cutStr are the reverse of int and str.
func (k key) cutInt() (int64, key) {
	return int64(binary.BigEndian.Uint64(k) ^ 1<<63), k[8:]
}

func (k key) cutStr() (string, key) {
	s, rest, _ := bytes.Cut(k, []byte(terminator))
	return strings.ReplaceAll(string(s), "\x00\xff", "\x00"), rest
}

// A row is a value: two numbers, for example the version that a conditional write compares, and a blob.
type row struct {
	version, extra int64
	blob           *commonpb.DataBlob
}

func (r row) encode() []byte {
	b := make([]byte, 0, 3*binary.MaxVarintLen64+len(r.blob.GetData()))
	for _, n := range []int64{r.version, r.extra, int64(r.blob.GetEncodingType())} {
		b = binary.AppendVarint(b, n)
	}
	return append(b, r.blob.GetData()...)
}

func decodeRow(b []byte) row {
	var numbers [3]int64
	for i := range numbers {
		n, size := binary.Varint(b)
		numbers[i], b = n, b[size:]
	}
	blob := &commonpb.DataBlob{EncodingType: enumspb.EncodingType(numbers[2]), Data: slices.Clone(b)}
	return row{version: numbers[0], extra: numbers[1], blob: blob}
}

func put(b *pebble.Batch, k key, r row) { _ = b.Set(k, r.encode(), nil) }

func (d *database) get(k key) (r row, found bool, err error) {
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return row{}, false, errClosed
	}
	value, closer, err := d.pebble.Get(k)
	if err == pebble.ErrNotFound {
		return row{}, false, nil
	}
	if err != nil {
		return row{}, false, unavailable(err)
	}
	r = decodeRow(value)
	return r, true, unavailable(closer.Close())
}

// A page limits a scan. Size 0 means all rows.
type page struct {
	size    int
	token   []byte
	reverse bool
	// seek is for rows that are often overwritten: a seek finds the newest version, a step passes each older one (1.1 ms after 2,000
	// updates of a workflow execution).
	seek bool
}

// scan visits the rows from the first key up to, but without, the end. A visited key is valid only during the visit. Scan returns the
// token of the next page if there is one.
func (d *database) scan(first, end key, p page, visit func(key, row)) (next []byte, err error) {
	switch token := key(p.token); { // a token is from a client, and may be anything
	case len(token) > 0 && p.reverse && bytes.Compare(token, end) < 0:
		end = token
	case len(token) > 0 && !p.reverse && bytes.Compare(token, first) > 0:
		first = token
	}
	if bytes.Compare(first, end) >= 0 {
		return nil, nil
	}
	d.closing.RLock()
	defer d.closing.RUnlock()
	if d.closed {
		return nil, errClosed
	}
	rows, err := d.pebble.NewIter(&pebble.IterOptions{LowerBound: first, UpperBound: end})
	if err != nil {
		return nil, unavailable(err)
	}
	start, advance := rows.First, rows.Next
	if p.reverse {
		start, advance = rows.Last, rows.Prev
	}
	if p.seek {
		advance = func() bool { return rows.SeekGE(append(slices.Clip(rows.Key()), 0)) }
	}
	var last key
	n := 0
	for ok := start(); ok; ok = advance() {
		if p.size > 0 && n == p.size {
			next = slices.Clone(rows.Key())
			if p.reverse { // the end of a range is exclusive
				next = last
			}
			break
		}
		value, err := rows.ValueAndErr()
		if err != nil {
			break // rows.Close returns the error
		}
		last = append(last[:0], rows.Key()...)
		visit(last, decodeRow(value))
		n++
	}
	return next, unavailable(rows.Close())
}

// deleteRows deletes up to limit rows (0: all) and returns their number.
func (d *database) deleteRows(b *pebble.Batch, first, end key, limit int) (n int, err error) {
	_, err = d.scan(first, end, page{size: limit}, func(k key, _ row) {
		_ = b.Delete(k, nil)
		n++
	})
	return n, err
}

// update writes the changes of one transaction. Transactions with the same lock run one after another, so change can read the rows
// that its writes depend on, but not its own writes: get and scan read the database, not the batch. The lock does not include the
// wait for the write to the log, so that transactions share one write.
func (d *database) update(lock key, change func(*pebble.Batch) error) error {
	b, err := d.apply(lock, change)
	if b == nil {
		return err
	}
	defer d.closing.RUnlock()
	err = b.SyncWait()
	_ = b.Close()
	return unavailable(err)
}

// apply makes the changes visible. If it returns a batch, the caller waits for the log and unlocks closing.
func (d *database) apply(lock key, change func(*pebble.Batch) error) (*pebble.Batch, error) {
	mutex := &d.locks[maphash.Bytes(d.seed, lock)%uint64(len(d.locks))]
	mutex.Lock()
	defer mutex.Unlock()
	b := d.pebble.NewBatch()
	if err := change(b); err != nil || b.Empty() {
		_ = b.Close()
		return nil, err
	}
	d.closing.RLock()
	if d.closed {
		d.closing.RUnlock()
		return nil, errClosed
	}
	if err := d.pebble.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		d.closing.RUnlock()
		return nil, unavailable(err)
	}
	return b, nil
}

// write is update for one row.
func (d *database) write(k key, r row) error {
	return d.update(k, func(b *pebble.Batch) error {
		put(b, k, r)
		return nil
	})
}

var errClosed = serviceerror.NewUnavailable("the database is closed")

// unavailable marks an error of Pebble as retryable, like Temporal's SQL stores do with errors of the database.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return serviceerror.NewUnavailablef("Pebble: %v", err)
}
