package cosmosdb

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// maxPartitionKey is the longest partition key value, in bytes
// (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxPartitionKey = 2048

// undefined is the partition key of a document that has nothing at the container's path.
const undefined = "{}"

// partitionKey reads the header x-ms-documentdb-partitionkey, a JSON array of one value, into the one
// spelling under which that value is kept.
func (r request) partitionKey() (string, error) {
	header := r.Get("x-ms-documentdb-partitionkey")
	if header == "" {
		return "", refuse(http.StatusBadRequest, 0, "PartitionKey value must be supplied for this operation.")
	}
	var values []json.RawMessage
	if json.Unmarshal([]byte(header), &values) != nil || len(values) != 1 {
		return "", refuse(http.StatusBadRequest, 0, "The header x-ms-documentdb-partitionkey is not a JSON array of one value: %.80q", header)
	}
	return spell(values[0])
}

// spell gives equal values one spelling, whatever escapes they were sent in.
func spell(value json.RawMessage) (string, error) {
	var v any
	if value == nil {
		return undefined, nil
	}
	if err := json.Unmarshal(value, &v); err != nil {
		return "", refuse(http.StatusBadRequest, 0, "The partition key value is not JSON")
	}
	switch v := v.(type) {
	case string:
		if len(v) > maxPartitionKey {
			return "", refuse(http.StatusBadRequest, 0, "The partition key value has %d bytes, of at most %d", len(v), maxPartitionKey)
		}
		return string(quote(v)), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "null", nil
	case map[string]any:
		if len(v) == 0 {
			return undefined, nil
		}
	}
	return "", refuse(http.StatusBadRequest, 0, "A partition key value is a string, a number, a boolean or null")
}

// partitionKey is the value the document itself has at the container's path.
func (o object) partitionKey(path []string) (string, error) {
	value := o.value(path[0])
	for _, name := range path[1:] {
		var inner map[string]json.RawMessage
		if json.Unmarshal(value, &inner) != nil {
			return undefined, nil
		}
		value = inner[name]
	}
	return spell(value)
}
