package cosmosdb

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// object is a JSON object. It preserves the order of its members and the exact text of their values.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func parseObject(text []byte) (object, error) {
	malformed := func(reason string) (object, error) {
		return nil, newError(http.StatusBadRequest, 0, "The request body is not one JSON object: %s", reason)
	}
	if !utf8.Valid(text) {
		return malformed("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return malformed("it does not start with {")
	}
	var o object
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return malformed("a member has no name")
		}
		if seen[name] {
			return malformed("it has two members with the same name")
		}
		seen[name] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return malformed("a value is not JSON")
		}
		o = append(o, member{name, value})
	}
	if _, err := decoder.Token(); err != nil {
		return malformed("it has no closing brace")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return malformed("it is followed by more text")
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

// text returns the value of a string member, or "".
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o.value(name), &s) != nil {
		return ""
	}
	return s
}

// systemProperties are set by the server. Values that a client sends are ignored
// (https://learn.microsoft.com/rest/api/cosmos-db/documents).
var systemProperties = map[string]bool{"_rid": true, "_self": true, "_etag": true, "_attachments": true, "_ts": true, "_docs": true, "_colls": true, "_users": true}

// stamp returns a copy of o with new system properties, including a new _etag.
func (o object) stamp(rid, self string, now time.Time, extra ...member) object {
	stamped := make(object, 0, len(o)+5)
	for _, m := range o {
		if !systemProperties[m.name] {
			stamped = append(stamped, m)
		}
	}
	ts, _ := json.Marshal(now.Unix())
	stamped = append(stamped,
		member{"_rid", quote(rid)}, member{"_self", quote(self)},
		member{"_etag", quote(`"` + uuid.NewString() + `"`)})
	return append(append(stamped, extra...), member{"_ts", ts})
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
		if json.Compact(&b, m.value) != nil {
			b.WriteString("null") // impossible: parseObject has read the value
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quote returns s as JSON, without the escapes for HTML that json.Marshal adds.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // never fails for a string
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxID is the maximum length of an id, in bytes
// (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxID = 1023

// id returns the object's id, or an error if Cosmos DB would not accept it.
func (o object) id() (string, error) {
	id := o.text("id")
	switch {
	case o.value("id") == nil:
		return "", newError(http.StatusBadRequest, 0, "The input content is invalid because the required properties - 'id; ' - are missing")
	case id == "":
		return "", newError(http.StatusBadRequest, 0, "The id is not a string, or it is empty")
	case len(id) > maxID:
		return "", newError(http.StatusBadRequest, 0, "The id has %d bytes; the maximum is %d", len(id), maxID)
	case strings.ContainsAny(id, `/\?#`):
		return "", newError(http.StatusBadRequest, 0, `The id %.80q contains one of the characters / \ ? #, which are illegal in an id`, id)
	}
	return id, nil
}
