package picture_test

import (
	"regexp"
	"testing"

	"triptych/picture"
)

const uploadID = "01939d2c-7b1e-7c3a-9f00-0123456789ab"

// FuzzParseKey checks that ParseKey accepts only keys that the method Key creates.
func FuzzParseKey(f *testing.F) {
	for _, key := range unusualKeys() {
		f.Add(key)
	}
	for _, ext := range []string{".jpg", ".png", ".webp", ".jpeg", ".JPG", ""} {
		f.Add(picture.Prefix + uploadID + ext)
	}
	f.Fuzz(func(t *testing.T, key string) {
		id, contentType, err := picture.ParseKey(key)
		if err != nil {
			if id != "" || contentType != "" {
				t.Errorf("key %q: got %q and %q with the error %v", key, id, contentType, err)
			}
			return
		}
		checkSafe(t, id)
		if rebuilt, err := id.Key(contentType); err != nil || rebuilt != key {
			t.Errorf("key %q has ID %q and type %q, but the key of these is %q: %v", key, id, contentType, rebuilt, err)
		}
	})
}

var canonical = regexp.MustCompile(`^[0-9a-z-]{36,54}$`)

// FuzzParseID checks that ParseID accepts only canonical IDs and that ParseKey recovers an upload's ID.
func FuzzParseID(f *testing.F) {
	for _, id := range []string{
		uploadID, "01939D2C-7B1E-7C3A-9F00-0123456789AB", "{" + uploadID + "}", "urn:uuid:" + uploadID, "01939d2c7b1e7c3a9f000123456789ab",
		"01939d2c-7b1e-4c3a-9f00-0123456789ab", "00000000-0000-0000-0000-000000000000", "o-abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst", "o-", "", "../x",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := picture.ParseID(s)
		if err != nil {
			if id != "" {
				t.Errorf("%q: got %q with the error %v", s, id, err)
			}
			return
		}
		if string(id) != s || !canonical.MatchString(s) {
			t.Fatalf("%q became %q", s, id)
		}
		checkSafe(t, id)
		for _, contentType := range []string{"image/jpeg", "image/png", "image/webp"} {
			key, err := id.Key(contentType)
			if err != nil {
				t.Fatal(err)
			}
			got, gotType, err := picture.ParseKey(key)
			if isUpload := !id.CreatedAt().IsZero(); isUpload != (err == nil) || isUpload && (got != id || gotType != contentType) {
				t.Errorf("key %q of ID %q: got %q and %q, %v", key, id, got, gotType, err)
			}
		}
	})
}
