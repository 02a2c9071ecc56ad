package picture_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"triptych/picture"
)

func unusualKeys() map[string]string {
	id := string(picture.NewID(noon, rand.Text()))
	return map[string]string{
		"parent_directory":         "../" + id + ".jpg",
		"escaped_parent_directory": "pictures/%2e%2e/" + id + ".jpg",
		"plus":                     "pictures/a+b.jpg",
		"escaped_plus":             "pictures/a%2Bb.jpg",
		"NUL":                      "pictures/a\x00b.jpg",
		"newline":                  "pictures/" + id + ".jpg\n",
		"right_to_left_override":   "pictures/\u202egpj.exe",
		"emoji":                    "pictures/📷.jpg",
		"1024_bytes":               "pictures/" + strings.Repeat("x", 1024-len("pictures/")),
		"forbidden_in_Cosmos_DB":   `pictures/a/?#\b.jpg`,
		"subdirectory":             "pictures/x/" + id + ".jpg",
		"other_extension":          "pictures/" + id + ".gif",
		"two_extensions":           "pictures/" + id + ".jpg.exe",
		"no_extension":             "pictures/" + id,
		"upper_case_ID":            "pictures/" + strings.ToUpper(id) + ".jpg",
		"backfill_ID":              "pictures/o-" + strings.Repeat("a", 52) + ".jpg",
		"no_prefix":                id + ".jpg",
		"repeated_prefix":          "pictures/pictures/" + id + ".jpg",
	}
}

func TestNew(t *testing.T) {
	for name, key := range unusualKeys() {
		t.Run("key_with_"+name+"_gets_a_safe_backfill_ID", func(t *testing.T) {
			if id, _, err := picture.ParseKey(key); err == nil {
				t.Fatalf("ParseKey(%q) = %s", key, id)
			}
			p, err := picture.New("bucket", key, "v1", "etag", 1, noon)
			if err != nil {
				t.Fatal(err)
			}
			checkSafe(t, p.ID)
		})
	}
	for name, key := range map[string]string{
		"empty": "", "1025_byte": strings.Repeat("x", 1025), "non_UTF8": "pictures/\xff.jpg",
	} {
		t.Run(name+"_key_is_an_error", func(t *testing.T) {
			if p, err := picture.New("bucket", key, "v1", "etag", 1, noon); err == nil {
				t.Errorf("New = %+v", p)
			}
		})
	}
}

func checkSafe(t *testing.T, id picture.ID) {
	t.Helper()
	if parsed, err := picture.ParseID(string(id)); err != nil || parsed != id {
		t.Fatalf("ID %q cannot be parsed: %v", id, err)
	}
	if strings.ContainsAny(string(id), `/\?#%+ `) || len(id) > 64 {
		t.Errorf("ID %q is too long or has an unsafe character", id)
	}
	if len(id.WorkflowID()) > 1000 {
		t.Errorf("workflow ID %q exceeds Temporal's limit", id.WorkflowID())
	}
}

func FuzzNew(f *testing.F) {
	for _, key := range unusualKeys() {
		f.Add("bucket", key, "v", "etag")
	}
	key, _ := picture.NewID(noon, rand.Text()).Key("image/jpeg")
	f.Add("bucket", key, "", "")
	f.Fuzz(func(t *testing.T, bucket, key, version, etag string) {
		p, err := picture.New(bucket, key, version, etag, 1, noon)
		if err != nil {
			return
		}
		checkSafe(t, p.ID)
		if id, contentType, err := picture.ParseKey(key); err == nil {
			if rebuilt, err := id.Key(contentType); err != nil || rebuilt != key || p.ID != id {
				t.Errorf("key %q has ID %s and type %s, but these give key %q", key, id, contentType, rebuilt)
			}
		}
	})
}
