package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/pipeline"
)

const ui = "http://127.0.0.1:8233"

var keys = "test:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))

func TestCodecServer(t *testing.T) {
	codec, err := pipeline.ParseKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(guard([]string{ui, "http://localhost:8233"}, converter.NewPayloadCodecHTTPHandler(codec)))
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	payload, err := converter.GetDefaultDataConverter().ToPayload("a face")
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := codec.Encode([]*commonpb.Payload{payload})
	if err != nil {
		t.Fatal(err)
	}
	body, err := protojson.Marshal(&commonpb.Payloads{Payloads: encrypted})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		method, path, host string
		header             map[string]string
		status             int
		allowOrigin        string
	}{
		"preflight_of_the_UI_is_allowed": {
			http.MethodOptions, "/decode", address,
			map[string]string{"Origin": ui, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}, 204, ui,
		},
		"request_of_the_UI_is_decrypted":              {http.MethodPost, "/decode", address, map[string]string{"Origin": ui}, 200, ui},
		"request_of_the_UI_at_localhost_is_decrypted": {http.MethodPost, "/decode", address, map[string]string{"Origin": "http://localhost:8233"}, 200, "http://localhost:8233"},
		"request_without_Origin_is_decrypted":         {http.MethodPost, "/decode", address, nil, 200, ""},
		"request_for_localhost_is_decrypted":          {http.MethodPost, "/decode", "localhost:8234", nil, 200, ""},
		"preflight_of_another_origin_is_refused":      {http.MethodOptions, "/decode", address, map[string]string{"Origin": "https://evil.example"}, 403, ""},
		"request_of_another_origin_is_refused":        {http.MethodPost, "/decode", address, map[string]string{"Origin": "https://evil.example"}, 403, ""},
		"request_of_a_page_without_origin_is_refused": {http.MethodPost, "/decode", address, map[string]string{"Origin": "null"}, 403, ""},
		"rebound_host_is_refused":                     {http.MethodPost, "/decode", "evil.example:8234", nil, 403, ""},
		"rebound_host_with_the_UIs_origin_is_refused": {http.MethodPost, "/decode", "evil.example:8234", map[string]string{"Origin": ui}, 403, ""},
		"other_path_is_not_found":                     {http.MethodPost, "/", address, nil, 404, ""},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+address+tt.path, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = tt.host
			req.Header.Set("Content-Type", "application/json")
			for key, value := range tt.header {
				req.Header.Set(key, value)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			response, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != tt.status || res.Header.Get("Access-Control-Allow-Origin") != tt.allowOrigin {
				t.Fatalf("status %s, allowed origin %q, body %s, %v", res.Status, res.Header.Get("Access-Control-Allow-Origin"), response, err)
			}
			if _, sent := res.Header["Access-Control-Allow-Origin"]; sent && tt.allowOrigin == "" {
				t.Error("the response has an empty Access-Control-Allow-Origin header")
			}
			if tt.status == 200 && text(t, response) != `"a face"` {
				t.Errorf("decrypted %s", response)
			}
			if tt.status == 403 && bytes.Contains(response, []byte("payloads")) {
				t.Errorf("refused with %s", response)
			}
			allowed := strings.ToLower(res.Header.Get("Access-Control-Allow-Headers"))
			if tt.status == 204 && (!strings.Contains(allowed, "content-type") || !strings.Contains(allowed, "x-namespace")) {
				t.Errorf("the allowed headers are %q", allowed)
			}
		})
	}
}

func text(t *testing.T, response []byte) string {
	t.Helper()
	var decrypted commonpb.Payloads
	if err := protojson.Unmarshal(response, &decrypted); err != nil || len(decrypted.Payloads) != 1 {
		t.Fatalf("response %s, %v", response, err)
	}
	return string(decrypted.Payloads[0].Data)
}

func TestParseOrigins(t *testing.T) {
	for list, want := range map[string][]string{
		"https://cloud.temporal.io":                     {"https://cloud.temporal.io"},
		"http://127.0.0.1:8233, http://localhost:8233 ": {"http://127.0.0.1:8233", "http://localhost:8233"},
		"https://Temporal.example.com":                  {"https://temporal.example.com"},
		"http://[::1]:8233":                             {"http://[::1]:8233"},
		"":                                              nil,
	} {
		t.Run(list+"_is_accepted", func(t *testing.T) {
			if got, err := parseOrigins(list); err != nil || !slices.Equal(got, want) {
				t.Errorf("%q, %v, want %q", got, err, want)
			}
		})
	}
	for name, list := range map[string]string{
		"default_port": "https://x.example:443", "trailing_slash": "https://cloud.temporal.io/", "trailing_comma": "https://cloud.temporal.io,",
		"missing_scheme": "cloud.temporal.io", "missing_scheme_before_a_port": "localhost:8233", "other_scheme": "file://x",
		"path": "https://x.example/namespaces", "user": "https://me@x.example", "wildcard": "*", "missing_host": "https://", "only_a_port": "https://:8233",
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			if got, err := parseOrigins(list); err == nil || !strings.Contains(err.Error(), "-ui "+list+": want origins such as https://temporal.example.com") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ keys, addr, ui, want string }{
		"missing_keys":                 {"", "127.0.0.1:0", ui, "TRIPTYCH_PAYLOAD_KEYS"},
		"address_beyond_this_machine":  {keys, "0.0.0.0:0", ui, "127.0.0.1"},
		"origin_that_no_browser_sends": {keys, "127.0.0.1:0", ui + "/", "-ui"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TRIPTYCH_SSM_PATH", "")
			t.Setenv("TRIPTYCH_PAYLOAD_KEYS", tt.keys)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := run(ctx, tt.addr, tt.ui); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one that contains %s", err, tt.want)
			}
		})
	}
}
