package cosmosdb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

type systemMembers struct {
	RID         string      `json:"_rid"`
	Self        string      `json:"_self"`
	ETag        azcore.ETag `json:"_etag"`
	Attachments string      `json:"_attachments"`
	TS          int64       `json:"_ts"`
}

type documents struct {
	*azcosmos.ContainerClient
	t *testing.T
}

func (d documents) create(id, body string, want int) azcosmos.ItemResponse {
	d.t.Helper()
	created, err := d.CreateItem(d.t.Context(), partition(id), []byte(body), &azcosmos.ItemOptions{EnableContentResponseOnWrite: true})
	expectStatus(d.t, "create "+id, err, want)
	return created
}

func (d documents) read(id string, want int) azcosmos.ItemResponse {
	d.t.Helper()
	read, err := d.ReadItem(d.t.Context(), partition(id), id, nil)
	expectStatus(d.t, "read "+id, err, want)
	return read
}

func TestDocument(t *testing.T) {
	e := newEmulator(t)
	items := e.newContainer(t)

	t.Run("read_returns_the_members_in_the_order_of_the_create", func(t *testing.T) {
		const body = `{"z":1.50,"id":"order","big":12345678901234567890,"text":"é <&> 😀"`
		created, err := items.CreateItem(t.Context(), partition("order"), []byte(body+`}`), nil)
		expectStatus(t, "create", err, 0)
		if created.RawResponse.StatusCode != 201 || len(created.Value) != 0 {
			t.Errorf("response to the create: %d %q, want 201 without a body, as azcosmos requested", created.RawResponse.StatusCode, created.Value)
		}
		read := documents{items, t}.read("order", 0)
		if !strings.HasPrefix(string(read.Value), body+",") {
			t.Errorf("read %s", read.Value)
		}
		var p systemMembers
		if err := json.Unmarshal(read.Value, &p); err != nil {
			t.Fatal(err)
		}
		if p.RID == "" || !strings.Contains(p.Self, p.RID) || p.Attachments != "attachments/" || p.TS == 0 {
			t.Errorf("system members %+v", p)
		}
		if p.ETag != read.ETag || created.ETag != read.ETag {
			t.Errorf("etags differ: %s in the document, %s and %s in the headers", p.ETag, created.ETag, read.ETag)
		}
	})
	t.Run("create_returns_the_document_if_requested", func(t *testing.T) {
		if created := (documents{items, t}).create("returned", `{"id":"returned"}`, 0); !strings.Contains(string(created.Value), `"_etag"`) {
			t.Errorf("response %q", created.Value)
		}
	})
	t.Run("system_members_in_the_request_are_ignored", func(t *testing.T) {
		d := documents{items, t}
		d.create("system", `{"id":"system","_etag":"mine","_ts":1,"_rid":"x"}`, 0)
		if read := d.read("system", 0); strings.Contains(string(read.Value), "mine") || strings.Count(string(read.Value), "_ts") != 1 {
			t.Errorf("read %s", read.Value)
		}
	})
	t.Run("second_create_is_409_and_changes_nothing", func(t *testing.T) {
		d := documents{items, t}
		d.create("twice", `{"id":"twice","n":1}`, 0)
		d.create("twice", `{"id":"twice","n":2}`, 409)
		if read := d.read("twice", 0); !strings.Contains(string(read.Value), `"n":1`) {
			t.Errorf("read %s", read.Value)
		}
	})
	t.Run("replace_keeps_the_resource_id_and_checks_the_etag", func(t *testing.T) {
		created := documents{items, t}.create("replaced", `{"id":"replaced","n":1}`, 0)
		replace := func(etag azcore.ETag, want int) azcosmos.ItemResponse {
			t.Helper()
			options := &azcosmos.ItemOptions{IfMatchEtag: &etag, EnableContentResponseOnWrite: true}
			replaced, err := items.ReplaceItem(t.Context(), partition("replaced"), "replaced", []byte(`{"id":"replaced","n":2}`), options)
			expectStatus(t, fmt.Sprintf("replace with etag %s", etag), err, want)
			return replaced
		}
		replace(`"00000000-0000-0000-0000-000000000000"`, 412)
		replaced := replace(created.ETag, 0)
		replace(created.ETag, 412)
		replace("*", 0)
		var before, after systemMembers
		if json.Unmarshal(created.Value, &before) != nil || json.Unmarshal(replaced.Value, &after) != nil || before.RID != after.RID || before.ETag == after.ETag {
			t.Errorf("before %+v, after %+v", before, after)
		}
	})
	t.Run("replace_of_a_missing_document_is_404", func(t *testing.T) {
		_, err := items.ReplaceItem(t.Context(), partition("missing"), "missing", item("missing"), nil)
		expectStatus(t, "replace", err, 404)
	})
	t.Run("read_with_another_partition_key_is_404", func(t *testing.T) {
		documents{items, t}.create("here", `{"id":"here"}`, 0)
		_, err := items.ReadItem(t.Context(), partition("there"), "here", nil)
		expectStatus(t, "read", err, 404)
	})
	t.Run("id_may_contain_percent_and_non-ASCII_characters", func(t *testing.T) {
		// azcosmos escapes characters above U+FFFF as \U, which is not valid JSON. Such ids are therefore not tested.
		for _, id := range []string{"100% +&=", "é日本", strings.Repeat("x", maxID)} {
			d := documents{items, t}
			d.create(id, string(item(id)), 0)
			d.read(id, 0)
		}
	})
	// The statuses are those of Azure's gateway: TestItemIdEncodingRoutingGW in
	// https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/data/azcosmos/emulator_cosmos_item_test.go.
	for _, c := range []struct {
		name, id string
		want     int
	}{
		{"with_blanks", "This is a test", 0},
		{"with_a_leading_blank", " Test", 0},
		{"with_a_trailing_blank", "Test ", 401},
		{"with_two_trailing_blanks", "Test  ", 401},
		{"with_special_characters", "WithAllowedSpecial,=.:~+-@()^${}[]!_Chars", 0},
		{"with_an_escaped_trailing_blank", "Escaped%20", 401},
		{"with_an_escaped_letter", "Escaped%E9%B1%80", 401},
		{"with_a_question_mark", "Disallowed?Chars", 0},
		{"with_a_slash", "Disallowed/Chars", 401},
		{"with_a_backslash", `Disallowed\Chars`, 401},
		{"with_a_hash", "Disallowed#Chars", 401},
		{"with_a_carriage_return", "With\rCarriageReturn", 400},
		{"with_a_tab", "With\tTab", 400},
		{"with_a_line_feed", "With\nLineFeed", 400},
		{"with_Unicode_characters", "WithUnicode鱀", 0},
	} {
		t.Run(fmt.Sprintf("id_%s_is_created_and_then_%d_as_in_Azure", c.name, cmp.Or(c.want, 200)), func(t *testing.T) {
			d := documents{items, t}
			d.create(c.id, string(item(c.id)), 0)
			d.read(c.id, c.want)
			_, err := items.ReplaceItem(t.Context(), partition(c.id), c.id, item(c.id), nil)
			expectStatus(t, "replace", err, c.want)
		})
	}
	t.Run("escaped_id_and_partition_key_are_unescaped", func(t *testing.T) {
		documents{items, t}.create("p", `{"id":"p"}`, 0)
		if res, text := e.send(t, "GET", "/dbs/db/colls/c/docs/%70", "", map[string]string{partitionKeyHeader: `[ "\u0070" ]`}); res.StatusCode != 200 {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
	t.Run("missing_container_is_404_with_sub-status_1003", func(t *testing.T) {
		res, text := e.send(t, "GET", "/dbs/db/colls/missing/docs/a", "", map[string]string{partitionKeyHeader: `["a"]`})
		if res.StatusCode != 404 || res.Header.Get("x-ms-substatus") != "1003" {
			t.Errorf("%d, sub-status %q: %s", res.StatusCode, res.Header.Get("x-ms-substatus"), text)
		}
	})
}

func TestInvalidDocument(t *testing.T) {
	e := newEmulator(t)
	e.newContainer(t)
	valid := map[string]string{partitionKeyHeader: `["a"]`}
	for _, c := range []struct {
		name, body string
		headers    map[string]string
		want       int
	}{
		{"missing_partition_key_header_is_400", `{"id":"a"}`, nil, 400},
		{"partition_key_other_than_the_id_is_400", `{"id":"b"}`, valid, 400},
		{"number_as_partition_key_is_400", `{"id":"1"}`, map[string]string{partitionKeyHeader: `[1]`}, 400},
		{"null_as_partition_key_is_400", `{"id":"a"}`, map[string]string{partitionKeyHeader: `[null]`}, 400},
		{"array_as_partition_key_is_400", `{"id":"a"}`, map[string]string{partitionKeyHeader: `[[]]`}, 400},
		{"two_partition_keys_are_400", `{"id":"a"}`, map[string]string{partitionKeyHeader: `["a","b"]`}, 400},
		{"partition_key_header_that_is_not_JSON_is_400", `{"id":"a"}`, map[string]string{partitionKeyHeader: `a`}, 400},
		{"missing_id_is_400", `{}`, valid, 400},
		{"empty_id_is_400", `{"id":""}`, valid, 400},
		{"number_as_id_is_400", `{"id":1}`, valid, 400},
		{"id_of_1024_bytes_is_400", `{"id":"` + strings.Repeat("é", 512) + `"}`, valid, 400},
		{"missing_body_is_400", ``, valid, 400},
		{"array_as_body_is_400", `[]`, valid, 400},
		{"incomplete_body_is_400", `{"id":"a"`, valid, 400},
		{"two_bodies_are_400", `{"id":"a"}{}`, valid, 400},
		{"two_members_with_the_same_name_are_400", `{"id":"a","id":"a"}`, valid, 400},
		{"body_that_is_not_UTF-8_is_400", "{\"id\":\"a\",\"x\":\"\xff\"}", valid, 400},
		{"document_with_a_TTL_is_501", `{"id":"a","ttl":60}`, valid, 501},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, text := e.send(t, "POST", "/dbs/db/colls/c/docs", c.body, c.headers)
			if res.StatusCode != c.want {
				t.Errorf("%d %s", res.StatusCode, text)
			}
		})
	}
	t.Run("replace_with_another_id_is_501", func(t *testing.T) {
		if res, text := e.send(t, "PUT", "/dbs/db/colls/c/docs/other", `{"id":"a"}`, valid); res.StatusCode != 501 {
			t.Errorf("%d %s", res.StatusCode, text)
		}
	})
}

func TestDocumentSize(t *testing.T) {
	items := newEmulator(t).newContainer(t)
	sized := func(id string, size int) string {
		start := fmt.Sprintf(`{"id":%q,"x":"`, id)
		return start + strings.Repeat("x", size-len(start)-2) + `"}`
	}
	t.Run("2_MB_are_stored", func(t *testing.T) {
		d := documents{items, t}
		d.create("fits", sized("fits", maxBody), 0)
		if read := d.read("fits", 0); len(read.Value) < maxBody {
			t.Errorf("read %d bytes", len(read.Value))
		}
	})
	t.Run("one_byte_more_is_413", func(t *testing.T) { documents{items, t}.create("over", sized("over", maxBody+1), 413) })
	t.Run("6_MB_are_413", func(t *testing.T) { documents{items, t}.create("far", sized("far", 3*maxBody), 413) })
}
