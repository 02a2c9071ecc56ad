package cosmosdb

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// object is a JSON object that, unlike map[string]any, keeps the order of the members and all digits of numbers.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func parseObject(text []byte) (object, error) {
	malformed := func(reason string) (object, error) {
		return nil, newError(http.StatusBadRequest, 0, "The request body is not one JSON object: %s", reason)
	}
	if !utf8.Valid(text) || !json.Valid(text) {
		return malformed("it is not JSON in UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text)) // returns no error, because the text is valid
	if start, _ := decoder.Token(); start != json.Delim('{') {
		return malformed("it does not start with {")
	}
	var o object
	seen := map[string]bool{}
	for decoder.More() {
		token, _ := decoder.Token()
		name := token.(string)
		if seen[name] {
			return malformed("it has two members with the same name")
		}
		seen[name] = true
		var value json.RawMessage
		_ = decoder.Decode(&value)
		o = append(o, member{name, value})
	}
	return o, nil
}

func (o object) value(name string) json.RawMessage {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func (o object) text(name string) (s string) {
	_ = json.Unmarshal(o.value(name), &s) // s stays empty if there is no string
	return s
}

// The server sets these properties and ignores the values that clients send
// (https://learn.microsoft.com/rest/api/cosmos-db/documents).
var systemProperties = []string{"_rid", "_self", "_etag", "_attachments", "_ts", "_docs", "_colls", "_users"}

func (o object) stamp(rid, self string, now time.Time, extra ...member) object {
	stamped := slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(systemProperties, m.name) })
	stamped = append(stamped,
		member{"_rid", quote(rid)}, member{"_self", quote(self)},
		member{"_etag", quote(`"` + uuid.NewString() + `"`)})
	return append(append(stamped, extra...), member{"_ts", strconv.AppendInt(nil, now.Unix(), 10)})
}

func (o object) encode() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quote(m.name))
		b.WriteByte(':')
		_ = json.Compact(&b, m.value) // the value is valid JSON
	}
	b.WriteByte('}')
	return b.Bytes()
}

// Unlike json.Marshal, quote does not escape <, > and &.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // never fails for a string
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxID is in bytes (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxID = 1023

func (o object) id() (string, error) {
	id := o.text("id")
	switch {
	case o.value("id") == nil:
		return "", newError(http.StatusBadRequest, 0, "The input content is invalid because the required properties - 'id; ' - are missing")
	case id == "":
		return "", newError(http.StatusBadRequest, 0, "The id is not a string, or it is empty")
	case len(id) > maxID:
		return "", newError(http.StatusBadRequest, 0, "The id has %d bytes; the maximum is %d", len(id), maxID)
	}
	return id, nil
}

// https://learn.microsoft.com/dotnet/api/microsoft.azure.documents.resource.id
func checkResourceID(id string) error {
	if strings.ContainsAny(id, `/\?#`) {
		return newError(http.StatusBadRequest, 0, `The id %.80q contains one of the characters / \ ? #, which are illegal in the id of a database or container`, id)
	}
	return nil
}
