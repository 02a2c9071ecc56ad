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

// object is a JSON object that keeps the order of its members and the exact text of their values.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

func parseObject(text []byte) (object, error) {
	bad := func(why string) (object, error) {
		return nil, refuse(http.StatusBadRequest, 0, "The request body is not one JSON object: %s", why)
	}
	if !utf8.Valid(text) {
		return bad("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return bad("it does not start with {")
	}
	var o object
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return bad("a member has no name")
		}
		if seen[name] {
			return bad("it names a member twice")
		}
		seen[name] = true
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return bad("a value is broken")
		}
		o = append(o, member{name, value})
	}
	if _, err := decoder.Token(); err != nil {
		return bad("it does not end")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return bad("something follows it")
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

// text is the value of a member that is a string; "" otherwise.
func (o object) text(name string) string {
	var s string
	if json.Unmarshal(o.value(name), &s) != nil {
		return ""
	}
	return s
}

// system are the properties that the server sets, whatever a client sends
// (https://learn.microsoft.com/rest/api/cosmos-db/documents).
var system = map[string]bool{"_rid": true, "_self": true, "_etag": true, "_attachments": true, "_ts": true, "_docs": true, "_colls": true, "_users": true}

// stamp gives o its system properties, a new _etag among them.
func (o object) stamp(rid, self string, now time.Time, extra ...member) object {
	stamped := make(object, 0, len(o)+5)
	for _, m := range o {
		if !system[m.name] {
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
			b.WriteString("null") // cannot be: parseObject has read the value
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

// quote is s as JSON, without the escapes that only HTML needs.
func quote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// maxID is the longest id, in bytes
// (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxID = 1023

// id is the object's id, if it is one that Cosmos DB takes.
func (o object) id() (string, error) {
	id := o.text("id")
	switch {
	case o.value("id") == nil:
		return "", refuse(http.StatusBadRequest, 0, "The input content is invalid because the required properties - 'id; ' - are missing")
	case id == "":
		return "", refuse(http.StatusBadRequest, 0, "The id is not a string, or it is empty")
	case len(id) > maxID:
		return "", refuse(http.StatusBadRequest, 0, "The id has %d bytes, of at most %d", len(id), maxID)
	case strings.ContainsAny(id, `/\?#`):
		return "", refuse(http.StatusBadRequest, 0, `The id %.80q holds one of the characters / \ ? #, which are illegal in an id`, id)
	}
	return id, nil
}

// matches says whether a condition header names the etag.
func matches(condition, etag string) bool { return condition == "*" || condition == etag }
