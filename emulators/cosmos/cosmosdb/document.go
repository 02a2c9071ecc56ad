package cosmosdb

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// shelf is a container's documents, opened in a transaction.
type shelf struct {
	definition
	self      string
	documents *bbolt.Bucket
	now       time.Time
}

func openShelf(tx *bbolt.Tx, r request) (shelf, error) {
	container, err := openContainer(tx, r.target)
	if err != nil {
		return shelf{}, errNoOwner
	}
	o, err := properties(container)
	if err != nil {
		return shelf{}, err
	}
	d, err := parseDefinition(container.Get(propertiesKey))
	return shelf{d, o.text("_self"), container.Bucket(documentsKey), r.now}, err
}

// key is a document's identity: its partition key and its id. JSON holds no NUL, so the two cannot run
// into each other.
func key(partition, id string) []byte { return []byte(partition + "\x00" + id) }

// find is the living document under key; nil if there is none.
func (s shelf) find(key []byte) entry {
	e := entry(s.documents.Get(key))
	if e == nil || e.expired(s.DefaultTTL, s.now) {
		return nil
	}
	return e
}

func (s shelf) reply(status int, text []byte, etag string) reply {
	return reply{status: status, body: text, etag: etag, lsn: max(s.documents.Sequence(), 1), charge: charge(len(text))}
}

// charge is about what a point read costs: 1 RU for 1 KB, 10 RU for 100 KB
// (https://learn.microsoft.com/azure/cosmos-db/request-units). Azure's own numbers depend on the index.
func charge(bytes int) float64 { return 1 + 9*float64(bytes)/(100<<10) }

// writeCharge is how much dearer a write is than a read.
const writeCharge = 5

func readDocument(s *Server, r request) (reply, error) {
	partition, err := r.partitionKey()
	if err != nil {
		return reply{}, err
	}
	var answer reply
	err = s.store.db.View(func(tx *bbolt.Tx) error {
		docs, err := openShelf(tx, r)
		if err != nil {
			return err
		}
		e := docs.find(key(partition, r.document()))
		if e == nil {
			return errNotFound
		}
		text := append([]byte(nil), e.text()...) // e is only valid within the transaction
		answer = docs.reply(http.StatusOK, text, etagOf(text))
		if condition := r.Get("If-None-Match"); condition != "" && matches(condition, answer.etag) {
			answer.status, answer.body = http.StatusNotModified, nil
		}
		return nil
	})
	return answer, err
}

func etagOf(text []byte) string {
	var document struct {
		ETag string `json:"_etag"`
	}
	if json.Unmarshal(text, &document) != nil {
		return ""
	}
	return document.ETag
}

// draft is a document that was sent, checked as far as that goes without its container.
type draft struct {
	object
	id        string
	partition string
	ttl       int64
}

func parseDraft(r request) (draft, error) {
	var d draft
	var err error
	creates := len(r.names) == 2 && !r.upserts()
	if condition := r.Get("If-None-Match"); condition != "" && !(condition == "*" && creates) {
		// It is documented for reads only (https://learn.microsoft.com/rest/api/cosmos-db/common-cosmosdb-rest-request-headers);
		// with * a create says what it says anyway.
		return d, missing("If-None-Match on a write")
	}
	if d.partition, err = r.partitionKey(); err != nil {
		return d, err
	}
	if d.object, err = parseObject(r.body); err != nil {
		return d, err
	}
	if d.id, err = d.object.id(); err != nil {
		return d, err
	}
	if ttl := d.value("ttl"); ttl != nil {
		if json.Unmarshal(ttl, &d.ttl) != nil || !validTTL(d.ttl) {
			return d, refuse(http.StatusBadRequest, 0, "The input ttl '%.40s' is invalid. Ensure to provide a nonzero positive integer less than or equal to '2147483647', or '-1' which means never expire.", ttl)
		}
	}
	return d, nil
}

func (r request) upserts() bool { return strings.EqualFold(r.Get("x-ms-documentdb-is-upsert"), "true") }

// createDocument also upserts. An upsert's If-Match says nothing where there is no document to match
// (https://github.com/Azure/azure-cosmos-dotnet-v3/issues/1698).
func createDocument(s *Server, r request) (reply, error) {
	d, err := parseDraft(r)
	if err != nil {
		return reply{}, err
	}
	return s.put(r, d, func(old entry) (int, error) {
		switch {
		case old == nil:
			return http.StatusCreated, nil
		case !r.upserts():
			return 0, errConflict
		}
		return http.StatusOK, old.unchanged(r)
	})
}

func replaceDocument(s *Server, r request) (reply, error) {
	d, err := parseDraft(r)
	if err != nil {
		return reply{}, err
	}
	if d.id != r.document() {
		return reply{}, missing("changing of a document's id")
	}
	return s.put(r, d, func(old entry) (int, error) {
		if old == nil {
			return 0, errNotFound
		}
		return http.StatusOK, old.unchanged(r)
	})
}

// unchanged honours If-Match.
func (e entry) unchanged(r request) error {
	if condition := r.Get("If-Match"); condition != "" && !matches(condition, etagOf(e.text())) {
		return errChanged
	}
	return nil
}

// put writes the draft if decide, given what is there now, agrees.
func (s *Server) put(r request, d draft, decide func(old entry) (status int, err error)) (reply, error) {
	var answer reply
	err := s.store.write(func(tx *bbolt.Tx) error {
		docs, err := openShelf(tx, r)
		if err != nil {
			return err
		}
		own, err := d.object.partitionKey(docs.path())
		if err != nil {
			return err
		}
		if own != d.partition {
			return refuse(http.StatusBadRequest, 1001, "PartitionKey extracted from document doesn't match the one specified in the header")
		}
		old := docs.find(key(d.partition, d.id))
		status, err := decide(old)
		if err != nil {
			return err
		}
		if answer, err = docs.store(d, old, status); err != nil {
			return err
		}
		return s.sweep(docs)
	})
	if strings.EqualFold(r.Get("Prefer"), "return=minimal") {
		answer.body = nil
	}
	return answer, err
}

func (s shelf) store(d draft, old entry, status int) (reply, error) {
	number, err := s.documents.NextSequence()
	if err != nil {
		return reply{}, err
	}
	rid := resourceID(s.RID, number, 8)
	if old != nil {
		was, err := parseObject(old.text())
		if err != nil {
			return reply{}, err
		}
		rid = was.text("_rid")
	}
	o := d.object.stamp(rid, s.self+"docs/"+rid+"/", s.now, member{"_attachments", quote("attachments/")})
	e := newEntry(o, s.now, d.ttl)
	if err := s.documents.Put(key(d.partition, d.id), e); err != nil {
		return reply{}, err
	}
	answer := s.reply(status, e.text(), o.text("_etag"))
	answer.charge *= writeCharge
	return answer, nil
}

func deleteDocument(s *Server, r request) (reply, error) {
	partition, err := r.partitionKey()
	if err != nil {
		return reply{}, err
	}
	var answer reply
	err = s.store.write(func(tx *bbolt.Tx) error {
		docs, err := openShelf(tx, r)
		if err != nil {
			return err
		}
		k := key(partition, r.document())
		old := docs.find(k)
		if old == nil {
			return errNotFound
		}
		if err := old.unchanged(r); err != nil {
			return err
		}
		if _, err := docs.documents.NextSequence(); err != nil {
			return err
		}
		answer = docs.reply(http.StatusNoContent, nil, "")
		answer.charge *= writeCharge
		return docs.documents.Delete(k)
	})
	return answer, err
}
