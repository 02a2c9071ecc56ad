package cosmosdb

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"go.etcd.io/bbolt"
)

const partitionKeyHeader = "x-ms-documentdb-partitionkey" // for example ["a"]

func (r request) partitionKey() (string, error) {
	header := r.Get(partitionKeyHeader)
	if header == "" {
		return "", newError(http.StatusBadRequest, 0, "PartitionKey value must be supplied for this operation.")
	}
	var values []*string
	if json.Unmarshal([]byte(header), &values) != nil || len(values) != 1 || values[0] == nil {
		return "", newError(http.StatusBadRequest, 0, "The header %s is not a JSON array of one string: %.80q", partitionKeyHeader, header)
	}
	return *values[0], nil
}

func openDocuments(tx *bbolt.Tx, t target) (container, documents *bbolt.Bucket, err error) {
	container, err = openContainer(tx, t)
	if err != nil {
		return nil, nil, errNoOwner
	}
	return container, container.Bucket(documentsKey), nil
}

func documentResponse(status int, text []byte, etag string, documents *bbolt.Bucket) response {
	return response{status: status, body: text, etag: etag, lsn: max(documents.Sequence(), 1), charge: readCharge(len(text))}
}

// A point read costs 1 request unit for 1 KB and 10 request units for 100 KB
// (https://learn.microsoft.com/azure/cosmos-db/request-units).
func readCharge(size int) float64 { return 1 + 9*float64(size)/(100<<10) }

// A write costs more than a read, because Azure also updates the index.
const writeFactor = 5

func readDocument(tx *bbolt.Tx, r request) (response, error) {
	partition, err := r.partitionKey()
	if err != nil {
		return response{}, err
	}
	_, documents, err := openDocuments(tx, r.target)
	if err != nil {
		return response{}, err
	}
	text := bytes.Clone(documents.Get([]byte(r.document()))) // valid after the transaction
	if text == nil || partition != r.document() {
		return response{}, errNotFound
	}
	return documentResponse(http.StatusOK, text, etagOf(text), documents), nil
}

func etagOf(text []byte) string {
	var document struct {
		ETag string `json:"_etag"`
	}
	_ = json.Unmarshal(text, &document) // the server wrote text
	return document.ETag
}

func createDocument(tx *bbolt.Tx, r request) (response, error) {
	return putDocument(tx, r, http.StatusCreated, func(existing []byte) error {
		if existing != nil {
			return errConflict
		}
		return nil
	})
}

func replaceDocument(tx *bbolt.Tx, r request) (response, error) {
	return putDocument(tx, r, http.StatusOK, func(existing []byte) error {
		switch condition := r.Get("If-Match"); {
		case r.id != r.document():
			return unsupported("changing the id of a document")
		case existing == nil:
			return errNotFound
		case condition != "" && condition != "*" && condition != etagOf(existing):
			return errChanged
		}
		return nil
	})
}

// existing is nil for a new document.
func putDocument(tx *bbolt.Tx, r request, status int, check func(existing []byte) error) (response, error) {
	partition, err := r.partitionKey()
	switch {
	case err != nil:
		return response{}, err
	case r.id != partition:
		return response{}, newError(http.StatusBadRequest, 1001, "PartitionKey extracted from document doesn't match the one specified in the header")
	case r.body.value("ttl") != nil:
		return response{}, unsupported("expiry of documents: ttl")
	}
	container, documents, err := openDocuments(tx, r.target)
	if err != nil {
		return response{}, err
	}
	existing := documents.Get([]byte(r.id))
	if err := check(existing); err != nil {
		return response{}, err
	}
	properties, err := parseObject(container.Get(propertiesKey))
	if err != nil {
		return response{}, err
	}
	number, err := documents.NextSequence()
	if err != nil {
		return response{}, err
	}
	rid := resourceID(properties.text("_rid"), number, 8)
	if existing != nil {
		old, err := parseObject(existing)
		if err != nil {
			return response{}, err
		}
		rid = old.text("_rid")
	}
	stored := r.body.stamp(rid, properties.text("_self")+"docs/"+rid+"/", r.now, member{"_attachments", quote("attachments/")})
	text := stored.encode()
	res := documentResponse(status, text, stored.text("_etag"), documents)
	res.charge *= writeFactor
	if strings.EqualFold(r.Get("Prefer"), "return=minimal") {
		res.body = nil
	}
	return res, documents.Put([]byte(r.id), text)
}
