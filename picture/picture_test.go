package picture_test

import (
	"encoding/json"

	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"triptych/picture"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestOutdated(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	steps := []picture.Step{{Name: picture.AnnotateStep, StartedAt: noon.Add(-time.Hour)}, {Name: picture.PersistStep, StartedAt: noon}}
	for name, c := range map[string]struct {
		record picture.Record
		then   time.Time
		want   bool
	}{
		"what_was_kept_before_is":        {picture.Record{Status: picture.Annotated, Steps: steps}, noon.Add(1), true},
		"what_was_kept_then_is_not":      {picture.Record{Status: picture.Annotated, Steps: steps}, noon, false},
		"a_rejection_is_too":             {picture.Record{Status: picture.Rejected, Steps: steps}, noon.Add(1), true},
		"a_tombstone_never_is":           {picture.Tombstone("id"), noon, false},
		"a_Record_without_steps_is":      {picture.Record{Status: picture.Annotated}, noon, true},
		"nothing_is_when_nobody_asks_it": {picture.Record{Status: picture.Annotated}, time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.record.OlderThan(c.then); got != c.want {
				t.Errorf("%t, want %t", got, c.want)
			}
		})
	}
}

func TestMintedID(t *testing.T) {
	t.Run("is_a_canonical_UUIDv7_that_parses_back", func(t *testing.T) {
		id := picture.NewID(noon)
		parsed, err := picture.ParseID(string(id))
		if err != nil || parsed != id {
			t.Fatalf("ParseID(%q) = %q, %v", id, parsed, err)
		}
		if id[14] != '7' {
			t.Errorf("%s is not of version 7", id)
		}
	})
	t.Run("tells_when_it_was_minted", func(t *testing.T) {
		at := noon.Add(1234 * time.Millisecond)
		if got := picture.NewID(at).CreatedAt(); !got.Equal(at) {
			t.Errorf("MintedAt = %s, want %s", got, at)
		}
	})
	t.Run("sorts_by_minting_time", func(t *testing.T) {
		var ids []picture.ID
		for i := range 50 {
			ids = append(ids, picture.NewID(noon.Add(time.Duration(i)*time.Millisecond)))
		}
		if !slices.IsSorted(ids) {
			t.Errorf("not sorted: %v", ids)
		}
	})
	t.Run("varies_in_every_one_of_its_74_random_bits", func(t *testing.T) {
		// Two equal mints in 2,000 of the same millisecond would mean a random part far below 74 bits.
		seen := map[picture.ID]bool{}
		digits := map[int]map[byte]bool{}
		for range 2000 {
			id := picture.NewID(noon)
			seen[id] = true
			for i := range id {
				if digits[i] == nil {
					digits[i] = map[byte]bool{}
				}
				digits[i][id[i]] = true
			}
		}
		if len(seen) != 2000 {
			t.Fatalf("%d different IDs of 2,000", len(seen))
		}
		for i, want := range map[int]int{15: 16, 16: 16, 17: 16, 19: 4, 20: 16, 35: 16} {
			if len(digits[i]) != want {
				t.Errorf("hex digit %d takes %d values, want %d", i, len(digits[i]), want)
			}
		}
	})
	t.Run("is_not_shown_whole_when_shortened", func(t *testing.T) {
		id := picture.NewID(noon)
		if short := id.Redacted(); len(short) > 12 || !strings.HasSuffix(string(id), strings.TrimPrefix(short, "…")) {
			t.Errorf("Short = %q of %s", short, id)
		}
	})
}

func TestParseIDRefuses(t *testing.T) {
	id := string(picture.NewID(noon))
	for name, s := range map[string]string{
		"nothing":                "",
		"upper_case":             strings.ToUpper(id),
		"braces":                 "{" + id + "}",
		"a_urn":                  "urn:uuid:" + id,
		"no_dashes":              strings.ReplaceAll(id, "-", ""),
		"another_version":        id[:14] + "4" + id[15:],
		"another_variant":        id[:19] + "0" + id[20:],
		"a_path":                 "../" + id,
		"a_trailing_newline":     id + "\n",
		"a_NUL":                  id + "\x00",
		"a_short_foreign_ID":     "o-abc",
		"a_foreign_ID_uppercase": "o-" + strings.Repeat("A", 52),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := picture.ParseID(s); err == nil {
				t.Errorf("ParseID(%q) = %q", s, got)
			}
		})
	}
}

func TestKey(t *testing.T) {
	for contentType, ext := range map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"} {
		t.Run("of_"+contentType+"_reads_back", func(t *testing.T) {
			id := picture.NewID(noon)
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
	t.Run("of_another_type_is_refused", func(t *testing.T) {
		if key, err := picture.NewID(noon).Key("image/svg+xml"); err == nil {
			t.Errorf("Key = %q", key)
		}
	})
}

// hostile keys: what an S3 bucket may really hold.
func hostile() map[string]string {
	id := string(picture.NewID(noon))
	return map[string]string{
		"parent":           "../" + id + ".jpg",
		"escaped_parent":   "pictures/%2e%2e/" + id + ".jpg",
		"a_plus":           "pictures/a+b.jpg",
		"an_escaped_plus":  "pictures/a%2Bb.jpg",
		"a_NUL":            "pictures/a\x00b.jpg",
		"a_newline":        "pictures/" + id + ".jpg\n",
		"right_to_left":    "pictures/\u202egpj.exe",
		"an_emoji":         "pictures/📷.jpg",
		"1024_bytes":       "pictures/" + strings.Repeat("x", 1024-len("pictures/")),
		"cosmos_forbids":   `pictures/a/?#\b.jpg`,
		"a_folder_deeper":  "pictures/x/" + id + ".jpg",
		"another_ending":   "pictures/" + id + ".gif",
		"two_endings":      "pictures/" + id + ".jpg.exe",
		"no_ending":        "pictures/" + id,
		"upper_case_ID":    "pictures/" + strings.ToUpper(id) + ".jpg",
		"a_foreign_ID":     "pictures/o-" + strings.Repeat("a", 52) + ".jpg",
		"no_prefix":        id + ".jpg",
		"a_doubled_prefix": "pictures/pictures/" + id + ".jpg",
	}
}

func TestHostileKey(t *testing.T) {
	for name, key := range hostile() {
		t.Run(name+"_is_foreign_and_gets_a_safe_ID", func(t *testing.T) {
			if id, _, err := picture.ParseKey(key); err == nil {
				t.Fatalf("ParseKey took %q as %s", key, id)
			}
			p, err := picture.New("bucket", key, "v1", "etag", 1, noon)
			if err != nil {
				t.Fatal(err)
			}
			checkSafe(t, p.ID)
		})
	}
	for name, key := range map[string]string{
		"empty": "", "1025_bytes": strings.Repeat("x", 1025), "not_UTF-8": "pictures/\xff.jpg",
	} {
		t.Run(name+"_is_an_error", func(t *testing.T) {
			if p, err := picture.New("bucket", key, "v1", "etag", 1, noon); err == nil {
				t.Errorf("New = %+v", p)
			}
		})
	}
}

func TestForeignID(t *testing.T) {
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
		"the_bucket":  id("c", "k", "v", "e"),
		"the_key":     id("b", "l", "v", "e"),
		"the_version": id("b", "k", "w", "e"),
	} {
		t.Run("depends_on_"+name, func(t *testing.T) {
			if other == base {
				t.Errorf("both are %s", base)
			}
		})
	}
	t.Run("does_not_mix_up_where_the_key_ends", func(t *testing.T) {
		if id("b", "k1", "2", "") == id("b", "k", "12", "") {
			t.Error("two objects share an ID")
		}
	})
	t.Run("takes_the_ETag_when_there_is_no_version", func(t *testing.T) {
		if id("b", "k", "", "e1") == id("b", "k", "", "e2") {
			t.Error("two objects share an ID")
		}
	})
	t.Run("ignores_the_ETag_when_there_is_a_version", func(t *testing.T) {
		if id("b", "k", "v", "e1") != id("b", "k", "v", `"e2"`) {
			t.Error("one object version has two IDs")
		}
	})
}

func checkSafe(t *testing.T, id picture.ID) {
	t.Helper()
	if parsed, err := picture.ParseID(string(id)); err != nil || parsed != id {
		t.Fatalf("ID %q does not parse back: %v", id, err)
	}
	if strings.ContainsAny(string(id), `/\?#%+ `) || len(id) > 64 {
		t.Errorf("ID %q is not safe everywhere", id)
	}
	if len(id.WorkflowID()) > 1000 {
		t.Errorf("workflow ID %q is longer than Temporal takes", id.WorkflowID())
	}
}

func FuzzNew(f *testing.F) {
	for _, key := range hostile() {
		f.Add("bucket", key, "v", "etag")
	}
	key, _ := picture.NewID(noon).Key("image/jpeg")
	f.Add("bucket", key, "", "")
	f.Fuzz(func(t *testing.T, bucket, key, version, etag string) {
		p, err := picture.New(bucket, key, version, etag, 1, noon)
		if err != nil {
			return
		}
		checkSafe(t, p.ID)
		if id, contentType, err := picture.ParseKey(key); err == nil {
			if again, err := id.Key(contentType); err != nil || again != key || p.ID != id {
				t.Errorf("key %q parsed as %s, %s and was built as %q", key, id, contentType, again)
			}
		}
	})
}

func TestKeysSince(t *testing.T) {
	key := func(at time.Time) string {
		k, err := picture.NewID(at).Key("image/jpeg")
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	since := picture.KeyAt(noon)
	t.Run("comes_before_every_key_minted_then_or_later", func(t *testing.T) {
		for _, after := range []time.Duration{0, time.Millisecond, time.Hour, 200 * 365 * 24 * time.Hour} {
			if k := key(noon.Add(after)); k <= since {
				t.Errorf("%s, minted %s later, is not after %s", k, after, since)
			}
		}
	})
	t.Run("comes_after_every_key_minted_before", func(t *testing.T) {
		for _, before := range []time.Duration{time.Millisecond, time.Hour, 50 * 365 * 24 * time.Hour} {
			if k := key(noon.Add(-before)); k >= since {
				t.Errorf("%s, minted %s earlier, is not before %s", k, before, since)
			}
		}
	})
}

func TestTombstone(t *testing.T) {
	t.Run("holds_nothing_of_the_picture", func(t *testing.T) {
		id := picture.NewID(noon)
		b, err := json.Marshal(picture.Tombstone(id))
		if want := fmt.Sprintf(`{"id":%q,"schema":1,"status":"erased"}`, id); err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
	})
}

func TestRecord(t *testing.T) {
	t.Run("reads_back_as_it_was_written", func(t *testing.T) {
		key, _ := picture.NewID(noon).Key("image/png")
		p, err := picture.New("b", key, "v", `"e"`, 5, noon)
		if err != nil {
			t.Fatal(err)
		}
		steps := []picture.Step{{Name: picture.PresignStep, Cloud: "aws", Status: picture.StepDone, Attempt: 1, StartedAt: noon, FinishedAt: noon}}
		want := p.AnnotatedRecord(json.RawMessage(`{"faceAnnotations":[]}`), noon, steps, "run")
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got picture.Record
		if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
		if got.ContentType != "image/png" || got.ETag != "e" {
			t.Errorf("content type %q, ETag %q", got.ContentType, got.ETag)
		}
	})
}

func TestKind(t *testing.T) {
	t.Run("rejects_or_waits_or_steers_but_never_two_of_them", func(t *testing.T) {
		for _, kind := range []picture.Kind{picture.BadImage, picture.TooLarge, picture.Gone, picture.Unfetchable, picture.WasErased,
			picture.Unavailable, picture.Throttled, picture.Forbidden, picture.Misconfigured} {
			steers := kind == picture.Unfetchable || kind == picture.WasErased
			n := 0
			for _, is := range []bool{kind.Rejects(), kind.Retries(), steers} {
				if is {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s is %d of the three", kind, n)
			}
		}
	})
}
