package pipeline

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

func key(id string, b byte) string {
	return id + ":" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32))
}

func newCodec(t testing.TB, keys ...string) *Codec {
	t.Helper()
	c, err := ParseKeys(strings.Join(keys, ","))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func payload(t testing.TB, value any) []*commonpb.Payload {
	t.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayload(value)
	if err != nil {
		t.Fatal(err)
	}
	return []*commonpb.Payload{p}
}

func TestCodec(t *testing.T) {
	secret := "https://pictures.example/x?X-Amz-Signature=3fe1"
	encode := func(t *testing.T, c *Codec, value any) (plain, encrypted []*commonpb.Payload) {
		t.Helper()
		plain = payload(t, value)
		encrypted, err := c.Encode(plain)
		if err != nil {
			t.Fatal(err)
		}
		return plain, encrypted
	}
	check := func(t *testing.T, c *Codec, encrypted, want []*commonpb.Payload) {
		t.Helper()
		got, err := c.Decode(encrypted)
		if err != nil || len(got) != 1 || !proto.Equal(got[0], want[0]) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}

	t.Run("encrypted_payload_contains_neither_value_nor_type", func(t *testing.T) {
		c := newCodec(t, key("a", 1))
		plain, encrypted := encode(t, c, secret)
		text := encrypted[0].String()
		if strings.Contains(text, "Signature") || strings.Contains(text, "json/plain") || string(encrypted[0].Metadata["encoding"]) != "binary/encrypted" {
			t.Errorf("encrypted payload: %s", text)
		}
		check(t, c, encrypted, plain)
	})
	t.Run("equal_values_have_different_ciphertexts", func(t *testing.T) {
		c := newCodec(t, key("a", 1))
		_, first := encode(t, c, secret)
		_, second := encode(t, c, secret)
		if bytes.Equal(first[0].Data, second[0].Data) {
			t.Error("the ciphertexts are equal")
		}
	})
	t.Run("old_key_still_decrypts_after_a_rotation", func(t *testing.T) {
		plain, encrypted := encode(t, newCodec(t, key("old", 1)), secret)
		rotated := newCodec(t, key("new", 2), key("old", 1))
		check(t, rotated, encrypted, plain)
		_, fresh := encode(t, rotated, secret)
		if id := string(fresh[0].Metadata["encryption-key-id"]); id != "new" {
			t.Errorf("encrypted with the key %q, want new", id)
		}
	})
	t.Run("payload_that_cannot_be_decrypted_stays_unchanged", func(t *testing.T) {
		c := newCodec(t, key("a", 1))
		_, unknown := encode(t, newCodec(t, key("b", 1)), secret)
		check(t, c, unknown, unknown)
		_, wrong := encode(t, newCodec(t, key("a", 2)), secret)
		check(t, c, wrong, wrong)
		_, changed := encode(t, c, secret)
		changed[0].Data[20] ^= 1
		check(t, c, changed, changed)
		_, renamed := encode(t, newCodec(t, key("b", 1)), secret)
		renamed[0].Metadata["encryption-key-id"] = []byte("a") // the ciphertext authenticates the ID
		check(t, c, renamed, renamed)
		plain := payload(t, secret)
		check(t, c, plain, plain)
	})
	t.Run("strict_codec_leaves_no_plain_payload", func(t *testing.T) {
		c := newCodec(t, key("a", 1))
		c.strict = true
		plain, encrypted := encode(t, c, secret)
		check(t, c, encrypted, plain)
		check(t, c, plain, []*commonpb.Payload{{Metadata: map[string][]byte{"encoding": []byte("binary/encrypted")}}})
	})
	t.Run("large_payload_is_compressed", func(t *testing.T) {
		c := newCodec(t, key("a", 1))
		plain, encrypted := encode(t, c, strings.Repeat("a face; ", largePayload/8))
		if len(encrypted[0].Data) > largePayload/10 {
			t.Errorf("%d bytes", len(encrypted[0].Data))
		}
		check(t, c, encrypted, plain)
	})
}

func TestParseKeysRefuses(t *testing.T) {
	for name, list := range map[string]string{
		"empty_list":            "",
		"key_without_ID":        strings.TrimPrefix(key("a", 1), "a:"),
		"empty_ID":              key("", 1),
		"key_that_is_too_short": "a:" + base64.StdEncoding.EncodeToString(make([]byte, 16)),
		"key_not_in_base64":     "a:" + strings.Repeat("z", 43),
		"two_keys_with_one_ID":  key("a", 1) + "," + key("a", 2),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKeys(list)
			if err == nil || !strings.Contains(err.Error(), "TRIPTYCH_PAYLOAD_KEYS") {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "AQEB") {
				t.Errorf("the error contains a key: %v", err)
			}
		})
	}
}

// BenchmarkCodec encrypts and decrypts an annotation of the usual size.
func BenchmarkCodec(b *testing.B) {
	c, plain := newCodec(b, key("a", 1)), payload(b, strings.Repeat("x", 20_000))
	for b.Loop() {
		encrypted, err := c.Encode(plain)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Decode(encrypted); err != nil {
			b.Fatal(err)
		}
	}
}
