package picture_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"triptych/picture"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestNewID(t *testing.T) {
	t.Run("ID_is_a_canonical_UUIDv7", func(t *testing.T) {
		id := picture.NewID(noon, rand.Text())
		parsed, err := picture.ParseID(string(id))
		if err != nil || parsed != id {
			t.Fatalf("ParseID(%q) = %q, %v", id, parsed, err)
		}
		if id[14] != '7' {
			t.Errorf("%s does not have version 7", id)
		}
	})
	t.Run("IDs_sort_by_creation_time", func(t *testing.T) {
		var ids []picture.ID
		for i := range 50 {
			ids = append(ids, picture.NewID(noon.Add(time.Duration(i)*time.Millisecond), rand.Text()))
		}
		if !slices.IsSorted(ids) {
			t.Errorf("not sorted: %v", ids)
		}
	})
	t.Run("ID_depends_on_the_link_ID_only_through_a_hash", func(t *testing.T) {
		if got := picture.NewID(noon, "link"); got != picture.NewID(noon, "link") || got == picture.NewID(noon, "link2") {
			t.Errorf("NewID = %s", got)
		}
	})
	t.Run("ID_has_74_bits_of_the_hash", func(t *testing.T) {
		seen := map[picture.ID]bool{}
		digits := map[int]map[byte]bool{}
		for range 2000 {
			id := picture.NewID(noon, rand.Text())
			seen[id] = true
			for i := range id {
				if digits[i] == nil {
					digits[i] = map[byte]bool{}
				}
				digits[i][id[i]] = true
			}
		}
		if len(seen) != 2000 {
			t.Fatalf("2,000 link IDs have only %d different picture IDs", len(seen))
		}
		for i, want := range map[int]int{15: 16, 16: 16, 17: 16, 19: 4, 20: 16, 35: 16} {
			if len(digits[i]) != want {
				t.Errorf("hex digit %d has %d values, want %d", i, len(digits[i]), want)
			}
		}
	})
}

func TestCreatedAt(t *testing.T) {
	t.Run("upload_ID_contains_its_creation_time_to_the_millisecond", func(t *testing.T) {
		at := noon.Add(1234 * time.Millisecond)
		if got := picture.NewID(at, rand.Text()).CreatedAt(); !got.Equal(at) {
			t.Errorf("CreatedAt = %s, want %s", got, at)
		}
	})
	t.Run("backfill_ID_has_no_creation_time", func(t *testing.T) {
		if got := newBackfillPicture(t).ID.CreatedAt(); !got.IsZero() {
			t.Errorf("CreatedAt = %s, want zero", got)
		}
	})
}

func TestParseID(t *testing.T) {
	id := string(picture.NewID(noon, rand.Text()))
	for name, s := range map[string]string{
		"empty_string":              "",
		"upper_case":                strings.ToUpper(id),
		"braces":                    "{" + id + "}",
		"URN":                       "urn:uuid:" + id,
		"missing_dashes":            strings.ReplaceAll(id, "-", ""),
		"other_UUID_version":        id[:14] + "4" + id[15:],
		"other_UUID_variant":        id[:19] + "0" + id[20:],
		"path":                      "../" + id,
		"trailing_newline":          id + "\n",
		"trailing_NUL":              id + "\x00",
		"short_backfill_ID":         "o-abc",
		"backfill_ID_in_upper_case": "o-" + strings.Repeat("A", 52),
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			if got, err := picture.ParseID(s); err == nil {
				t.Errorf("ParseID(%q) = %q", s, got)
			}
		})
	}
}

func TestKey(t *testing.T) {
	for contentType, ext := range map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"} {
		t.Run(contentType+"_key_can_be_parsed", func(t *testing.T) {
			id := picture.NewID(noon, rand.Text())
			key, err := id.Key(contentType)
			if err != nil || key != "pictures/"+string(id)+ext {
				t.Fatalf("Key = %q, %v", key, err)
			}
			gotID, gotType, err := picture.ParseKey(key)
			if err != nil || gotID != id || gotType != contentType {
				t.Errorf("ParseKey(%q) = %q, %q, %v", key, gotID, gotType, err)
			}
		})
	}
	t.Run("other_content_type_is_refused", func(t *testing.T) {
		if key, err := picture.NewID(noon, rand.Text()).Key("image/svg+xml"); err == nil {
			t.Errorf("Key = %q", key)
		}
	})
}

func TestNetwork(t *testing.T) {
	id := picture.NewID(noon, rand.Text()).InNetwork("0a1b")
	t.Run("network_tag_is_the_end_of_an_upload_ID", func(t *testing.T) {
		if got, err := picture.ParseID(string(id)); err != nil || got.Network() != "0a1b" || !id.CreatedAt().Equal(noon) {
			t.Errorf("Network of %s = %q: %v", id, got.Network(), err)
		}
	})
	t.Run("backfilled_object_has_none", func(t *testing.T) {
		if got := newBackfillPicture(t).ID.Network(); got != "" {
			t.Errorf("Network = %q", got)
		}
	})
}

func TestBackfillID(t *testing.T) {
	id := func(bucket, key, version, etag string) picture.ID {
		t.Helper()
		p, err := picture.New(bucket, key, version, etag, 1, noon)
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	base := id("b", "k", "v", "e")
	for name, other := range map[string]picture.ID{
		"bucket":  id("c", "k", "v", "e"),
		"key":     id("b", "l", "v", "e"),
		"version": id("b", "k", "w", "e"),
	} {
		t.Run("other_"+name+"_gives_another_ID", func(t *testing.T) {
			if other == base {
				t.Errorf("both IDs are %s", base)
			}
		})
	}
	t.Run("same_characters_split_differently_give_another_ID", func(t *testing.T) {
		if id("b", "k1", "2", "") == id("b", "k", "12", "") {
			t.Error("two objects have the same ID")
		}
	})
	t.Run("ETag_replaces_a_missing_version", func(t *testing.T) {
		if id("b", "k", "", "e1") == id("b", "k", "", "e2") {
			t.Error("two objects have the same ID")
		}
	})
	t.Run("version_null_is_no_version", func(t *testing.T) {
		if id("b", "k", "null", "e1") == id("b", "k", "null", "e2") {
			t.Error("an object has the same ID after it was overwritten")
		}
		if p, err := picture.New("b", "k", "null", "e", 1, noon); err != nil || p.VersionID != "" {
			t.Errorf("the version is %q: %v", p.VersionID, err)
		}
	})
	t.Run("ETag_is_ignored_if_there_is_a_version", func(t *testing.T) {
		if id("b", "k", "v", "e1") != id("b", "k", "v", `"e2"`) {
			t.Error("one object version has two IDs")
		}
	})
}

func newBackfillPicture(t *testing.T) picture.Picture {
	t.Helper()
	p, err := picture.New("archive", "holiday/1.jpg", "v1", "e", 1, noon)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(p.ID), "o-") {
		t.Fatalf("%s is not a backfill ID", p.ID)
	}
	return p
}
