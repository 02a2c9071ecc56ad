package cosmosdb

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// systemProperties are what a document has besides what was sent.
type systemProperties struct {
	RID         string      `json:"_rid"`
	Self        string      `json:"_self"`
	ETag        azcore.ETag `json:"_etag"`
	Attachments string      `json:"_attachments"`
	TS          int64       `json:"_ts"`
}

func TestDocument(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	stale := azcore.ETag(`"00000000-0000-0000-0000-000000000000"`)

	t.Run("create_then_read_gives_it_back_in_its_own_order", func(t *testing.T) {
		const sent = `{"z":1.50,"id":"order","pk":"p","big":12345678901234567890,"text":"é <&> 😀"`
		created, err := items.CreateItem(t.Context(), pk("p"), []byte(sent+`}`), nil)
		want(t, "create", err, 0)
		if created.RawResponse.StatusCode != 201 || len(created.Value) != 0 {
			t.Errorf("create answers %d and %q, want 201 and nothing, as azcosmos asked", created.RawResponse.StatusCode, created.Value)
		}
		read, err := items.ReadItem(t.Context(), pk("p"), "order", nil)
		want(t, "read", err, 0)
		if !strings.HasPrefix(string(read.Value), sent+",") {
			t.Errorf("read %s", read.Value)
		}
		var p systemProperties
		if err := json.Unmarshal(read.Value, &p); err != nil {
			t.Fatal(err)
		}
		if p.RID == "" || !strings.Contains(p.Self, p.RID) || p.Attachments != "attachments/" || p.TS == 0 {
			t.Errorf("system properties %+v", p)
		}
		if p.ETag != read.ETag || created.ETag != read.ETag {
			t.Errorf("etags differ: %s in the document, %s and %s in the headers", p.ETag, created.ETag, read.ETag)
		}
	})
	t.Run("a_create_shows_the_document_when_asked", func(t *testing.T) {
		created, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"shown","pk":"p"}`), &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
		want(t, "create", err, 0)
		if !strings.Contains(string(created.Value), `"_etag"`) {
			t.Errorf("create answers %q", created.Value)
		}
	})
	t.Run("system_properties_that_are_sent_are_not_believed", func(t *testing.T) {
		_, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"sent","pk":"p","_etag":"mine","_ts":1,"_rid":"x"}`), nil)
		want(t, "create", err, 0)
		read, err := items.ReadItem(t.Context(), pk("p"), "sent", nil)
		want(t, "read", err, 0)
		if strings.Contains(string(read.Value), "mine") || strings.Count(string(read.Value), "_ts") != 1 {
			t.Errorf("read %s", read.Value)
		}
	})
	t.Run("a_second_create_is_409_and_changes_nothing", func(t *testing.T) {
		_, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"twice","pk":"p","n":1}`), nil)
		want(t, "create", err, 0)
		_, err = items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"twice","pk":"p","n":2}`), nil)
		want(t, "create again", err, 409)
		read, err := items.ReadItem(t.Context(), pk("p"), "twice", nil)
		want(t, "read", err, 0)
		if !strings.Contains(string(read.Value), `"n":1`) {
			t.Errorf("read %s", read.Value)
		}
	})
	t.Run("one_id_in_two_partitions_is_two_documents", func(t *testing.T) {
		for _, p := range []string{"left", "right"} {
			_, err := items.CreateItem(t.Context(), pk(p), fmt.Appendf(nil, `{"id":"same","pk":%q}`, p), nil)
			want(t, "create", err, 0)
		}
		_, err := items.DeleteItem(t.Context(), pk("left"), "same", nil)
		want(t, "delete left", err, 0)
		_, err = items.ReadItem(t.Context(), pk("left"), "same", nil)
		want(t, "read left", err, 404)
		_, err = items.ReadItem(t.Context(), pk("right"), "same", nil)
		want(t, "read right", err, 0)
	})
	t.Run("upsert_creates_then_replaces", func(t *testing.T) {
		first, err := items.UpsertItem(t.Context(), pk("p"), []byte(`{"id":"up","pk":"p","n":1}`), nil)
		want(t, "upsert", err, 0)
		second, err := items.UpsertItem(t.Context(), pk("p"), []byte(`{"id":"up","pk":"p","n":2}`), &azcosmos.ItemOptions{IfMatchEtag: &first.ETag})
		want(t, "upsert again", err, 0)
		if first.RawResponse.StatusCode != 201 || second.RawResponse.StatusCode != 200 || first.ETag == second.ETag {
			t.Errorf("%d %s, then %d %s", first.RawResponse.StatusCode, first.ETag, second.RawResponse.StatusCode, second.ETag)
		}
		_, err = items.UpsertItem(t.Context(), pk("p"), []byte(`{"id":"up","pk":"p","n":3}`), &azcosmos.ItemOptions{IfMatchEtag: &first.ETag})
		want(t, "upsert with the first etag", err, 412)
		_, err = items.UpsertItem(t.Context(), pk("p"), []byte(`{"id":"up-new","pk":"p"}`), &azcosmos.ItemOptions{IfMatchEtag: &stale})
		want(t, "upsert of a missing document with an etag", err, 0)
	})
	t.Run("replace_keeps_the_resource_id_and_wants_the_etag", func(t *testing.T) {
		created, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"re","pk":"p","n":1}`), &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
		want(t, "create", err, 0)
		replace := func(etag azcore.ETag) (azcosmos.ItemResponse, error) {
			return items.ReplaceItem(t.Context(), pk("p"), "re", []byte(`{"id":"re","pk":"p","n":2}`), &azcosmos.ItemOptions{IfMatchEtag: &etag, EnableContentResponseOnWrite: true})
		}
		_, err = replace(stale)
		want(t, "replace with a stale etag", err, 412)
		replaced, err := replace(created.ETag)
		want(t, "replace", err, 0)
		_, err = replace(created.ETag)
		want(t, "replace with the etag before", err, 412)
		_, err = replace("*")
		want(t, "replace of whatever is there", err, 0)
		var was, is systemProperties
		if json.Unmarshal(created.Value, &was) != nil || json.Unmarshal(replaced.Value, &is) != nil || was.RID != is.RID || was.ETag == is.ETag {
			t.Errorf("was %+v, is %+v", was, is)
		}
	})
	t.Run("replace_and_delete_of_nothing_are_404", func(t *testing.T) {
		_, err := items.ReplaceItem(t.Context(), pk("p"), "nothing", []byte(`{"id":"nothing","pk":"p"}`), nil)
		want(t, "replace", err, 404)
		_, err = items.DeleteItem(t.Context(), pk("p"), "nothing", nil)
		want(t, "delete", err, 404)
	})
	t.Run("delete_wants_the_etag", func(t *testing.T) {
		created, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"del","pk":"p"}`), nil)
		want(t, "create", err, 0)
		_, err = items.DeleteItem(t.Context(), pk("p"), "del", &azcosmos.ItemOptions{IfMatchEtag: &stale})
		want(t, "delete with a stale etag", err, 412)
		_, err = items.DeleteItem(t.Context(), pk("p"), "del", &azcosmos.ItemOptions{IfMatchEtag: &created.ETag})
		want(t, "delete", err, 0)
		_, err = items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"del","pk":"p"}`), nil)
		want(t, "create again", err, 0)
	})
	t.Run("an_id_may_be_foreign_and_percent", func(t *testing.T) {
		for _, id := range []string{"100% +&=", "é😀", strings.Repeat("x", maxID)} {
			_, err := items.CreateItem(t.Context(), pk("p"), object{{"id", quote(id)}, {"pk", quote("p")}}.encode(), nil)
			want(t, "create "+id, err, 0)
			_, err = items.ReadItem(t.Context(), pk("p"), id, nil)
			want(t, "read "+id, err, 0)
		}
	})
	t.Run("a_missing_container_is_404_of_its_own_kind", func(t *testing.T) {
		other, err := w.client.NewContainer("db", "missing")
		if err != nil {
			t.Fatal(err)
		}
		answer, err := other.ReadItem(t.Context(), pk("p"), "a", nil)
		want(t, "read", err, 404)
		if raw, _ := w.raw(t, "GET", "/dbs/db/colls/missing/docs/a", "", map[string]string{"x-ms-documentdb-partitionkey": `["p"]`}); raw.Header.Get("x-ms-substatus") != "1003" {
			t.Errorf("substatus %q %v", raw.Header.Get("x-ms-substatus"), answer)
		}
	})
}

func TestRead(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	created, err := items.CreateItem(t.Context(), pk("p"), []byte(`{"id":"a","pk":"p"}`), nil)
	want(t, "create", err, 0)
	for name, c := range map[string]struct {
		condition string
		want      int
	}{
		"the_etag_it_has_is_304": {string(created.ETag), 304},
		"any_etag_is_304":        {"*", 304},
		"another_etag_is_200":    {`"other"`, 200},
		"no_condition_is_200":    {"", 200},
	} {
		t.Run(name, func(t *testing.T) {
			answer, text := w.raw(t, "GET", "/dbs/db/colls/c/docs/a", "", map[string]string{
				"x-ms-documentdb-partitionkey": `["p"]`, "If-None-Match": c.condition,
			})
			if answer.StatusCode != c.want || answer.Header.Get("etag") != string(created.ETag) {
				t.Errorf("%d, etag %s: %s", answer.StatusCode, answer.Header.Get("etag"), text)
			}
		})
	}
	t.Run("the_same_key_in_other_escapes_is_the_same", func(t *testing.T) {
		if answer, text := w.raw(t, "GET", "/dbs/db/colls/c/docs/%61", "", map[string]string{"x-ms-documentdb-partitionkey": `[ "\u0070" ]`}); answer.StatusCode != 200 {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	})
}

func TestRefusedDocuments(t *testing.T) {
	w := serve(t)
	never := int32(-1)
	w.items(t, &never)
	partition := map[string]string{"x-ms-documentdb-partitionkey": `["p"]`}
	for _, c := range []struct {
		name, body string
		headers    map[string]string
		want       int
	}{
		{"no_partition_key_header_is_400", `{"id":"a","pk":"p"}`, nil, 400},
		{"another_partition_key_is_400", `{"id":"a","pk":"q"}`, partition, 400},
		{"no_partition_key_in_the_body_is_400", `{"id":"a"}`, partition, 400},
		{"a_partition_key_of_another_type_is_400", `{"id":"a","pk":1}`, map[string]string{"x-ms-documentdb-partitionkey": `["1"]`}, 400},
		{"an_array_for_a_partition_key_is_400", `{"id":"a","pk":[]}`, map[string]string{"x-ms-documentdb-partitionkey": `[[]]`}, 400},
		{"two_partition_keys_are_400", `{"id":"a","pk":"p"}`, map[string]string{"x-ms-documentdb-partitionkey": `["p","q"]`}, 400},
		{"a_partition_key_header_that_is_not_JSON_is_400", `{"id":"a","pk":"p"}`, map[string]string{"x-ms-documentdb-partitionkey": `p`}, 400},
		{"a_partition_key_of_2049_bytes_is_400", `{"id":"a","pk":"` + strings.Repeat("x", 2049) + `"}`, map[string]string{"x-ms-documentdb-partitionkey": `["` + strings.Repeat("x", 2049) + `"]`}, 400},
		{"no_id_is_400", `{"pk":"p"}`, partition, 400},
		{"an_empty_id_is_400", `{"id":"","pk":"p"}`, partition, 400},
		{"a_number_for_an_id_is_400", `{"id":1,"pk":"p"}`, partition, 400},
		{"a_slash_in_the_id_is_400", `{"id":"a/b","pk":"p"}`, partition, 400},
		{"a_backslash_in_the_id_is_400", `{"id":"a\\b","pk":"p"}`, partition, 400},
		{"a_question_mark_in_the_id_is_400", `{"id":"a?","pk":"p"}`, partition, 400},
		{"a_hash_in_the_id_is_400", `{"id":"#a","pk":"p"}`, partition, 400},
		{"an_id_of_1024_bytes_is_400", `{"id":"` + strings.Repeat("é", 512) + `","pk":"p"}`, partition, 400},
		{"no_body_is_400", ``, partition, 400},
		{"an_array_is_400", `[]`, partition, 400},
		{"half_a_body_is_400", `{"id":"a","pk":"p"`, partition, 400},
		{"two_bodies_are_400", `{"id":"a","pk":"p"}{}`, partition, 400},
		{"a_member_named_twice_is_400", `{"id":"a","pk":"p","id":"b"}`, partition, 400},
		{"a_body_that_is_not_UTF-8_is_400", "{\"id\":\"a\",\"pk\":\"p\",\"x\":\"\xff\"}", partition, 400},
		{"a_ttl_of_0_is_400", `{"id":"a","pk":"p","ttl":0}`, partition, 400},
		{"a_ttl_of_null_is_400", `{"id":"a","pk":"p","ttl":null}`, partition, 400},
		{"a_ttl_over_31_bits_is_400", `{"id":"a","pk":"p","ttl":2147483648}`, partition, 400},
		{"a_ttl_that_is_text_is_400", `{"id":"a","pk":"p","ttl":"60"}`, partition, 400},
		{"an_If-None-Match_of_an_etag_is_501", `{"id":"a","pk":"p"}`, map[string]string{"x-ms-documentdb-partitionkey": `["p"]`, "If-None-Match": `"x"`}, 501},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer, text := w.raw(t, "POST", "/dbs/db/colls/c/docs", c.body, c.headers)
			if answer.StatusCode != c.want {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
	}
	t.Run("If-None-Match_star_creates_once", func(t *testing.T) {
		headers := map[string]string{"x-ms-documentdb-partitionkey": `["p"]`, "If-None-Match": "*"}
		for _, code := range []int{201, 409} {
			if answer, text := w.raw(t, "POST", "/dbs/db/colls/c/docs", `{"id":"star","pk":"p"}`, headers); answer.StatusCode != code {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		}
	})
	t.Run("a_replace_under_another_id_is_501", func(t *testing.T) {
		if answer, text := w.raw(t, "PUT", "/dbs/db/colls/c/docs/star", `{"id":"other","pk":"p"}`, partition); answer.StatusCode != 501 {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	})
}

func TestSize(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	item := func(id string, size int) []byte {
		head := fmt.Sprintf(`{"id":%q,"pk":"p","x":"`, id)
		return []byte(head + strings.Repeat("x", size-len(head)-2) + `"}`)
	}
	_, err := items.CreateItem(t.Context(), pk("p"), item("fits", maxBody), nil)
	want(t, "an item of 2 MB", err, 0)
	read, err := items.ReadItem(t.Context(), pk("p"), "fits", nil)
	want(t, "read it", err, 0)
	if len(read.Value) < maxBody {
		t.Errorf("read %d bytes", len(read.Value))
	}
	_, err = items.CreateItem(t.Context(), pk("p"), item("over", maxBody+1), nil)
	want(t, "a byte more", err, 413)
	_, err = items.CreateItem(t.Context(), pk("p"), item("far", 3*maxBody), nil)
	want(t, "three times that", err, 413)
}
