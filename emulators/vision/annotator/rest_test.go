package annotator_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/emulators/vision/annotator"
)

func serveREST(t *testing.T) (url string) {
	t.Helper()
	_, addr, stopped := listen(t.Context(), t)
	t.Cleanup(func() {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return "http://" + addr.String()
}

func TestGoogleRESTClient(t *testing.T) {
	client, err := vision.NewImageAnnotatorRESTClient(t.Context(), option.WithEndpoint(serveREST(t)), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	t.Run("finds_the_same_face_as_gRPC", func(t *testing.T) {
		got := one(t, client, photograph(t, "astronaut.jpg"), face)
		if got.Error != nil || len(got.FaceAnnotations) != 1 {
			t.Fatalf("got %v", got)
		}
		checkAstronaut(t, got.FaceAnnotations[0])
	})
	t.Run("gets_the_error_of_an_image", func(t *testing.T) {
		got := one(t, client, &visionpb.Image{Content: []byte("junk")}, face)
		if got.Error.GetCode() != int32(codes.InvalidArgument) || got.Error.GetMessage() != "Bad image data." {
			t.Errorf("got %v", got)
		}
	})
	t.Run("gets_the_error_of_a_call", func(t *testing.T) {
		_, err := client.BatchAnnotateImages(t.Context(), batch())
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "1 to 16 images") {
			t.Errorf("got %v", err)
		}
	})
}

func TestREST(t *testing.T) {
	url := serveREST(t)
	image := base64.StdEncoding.EncodeToString(photograph(t, "astronaut.jpg").Content)
	annotate := func(feature string) string {
		return `{"requests":[{"image":{"content":"` + image + `"},"features":[{"type":"` + feature + `"}]}]}`
	}
	const path = "/v1/images:annotate"
	for name, tt := range map[string]struct {
		method, path, body string
		header             string // a name and its value
		code               int
		contains           string
	}{
		"images_are_annotated":                   {"POST", path, annotate("FACE_DETECTION"), "", 200, `"joyLikelihood":"VERY_LIKELY"`},
		"images_are_annotated_in_a_location":     {"POST", "/v1/projects/p/locations/eu/images:annotate", annotate("FACE_DETECTION"), "", 200, `"faceAnnotations"`},
		"images_are_annotated_in_a_project":      {"POST", "/v1/projects/p/images:annotate", annotate("FACE_DETECTION"), "", 200, `"faceAnnotations"`},
		"enums_are_numbers_on_request":           {"POST", path + "?%24alt=json%3Benum-encoding%3Dint", annotate("FACE_DETECTION"), "", 200, `"joyLikelihood":5`},
		"unknown_location_is_400":                {"POST", "/v1/projects/p/locations/mars/images:annotate", annotate("FACE_DETECTION"), "", 400, "Invalid parent"},
		"unknown_feature_is_400":                 {"POST", path, annotate("MIND_READING"), "", 400, "MIND_READING"},
		"unknown_field_is_400":                   {"POST", path, `{"images":[]}`, "", 400, "Invalid JSON payload received."},
		"invalid_JSON_is_400":                    {"POST", path, `{`, "", 400, "Invalid JSON payload received."},
		"no_image_is_400":                        {"POST", path, `{}`, "", 400, "1 to 16 images"},
		"more_than_10_MiB_are_400":               {"POST", path, strings.Repeat(" ", 10<<20+1), "", 400, "Request payload size exceeds the limit: 10485760 bytes."},
		"other_methods_are_501_and_name_what_is": {"POST", "/v1/files:annotate", `{}`, "", 501, "POST /v1/files:annotate is not available on this local server; it has gRPC, POST /v1/images:annotate, and the same below /v1/projects/PROJECT and"},
		"GET_is_501":                             {"GET", "/", "", "", 501, "it has gRPC, POST /v1/images:annotate"},
		"pages_of_other_sites_are_refused":       {"POST", path, annotate("FACE_DETECTION"), "Origin: https://example.com", 403, "other sites"},
		"browsers_without_an_Origin_are_refused": {"POST", path, annotate("FACE_DETECTION"), "Sec-Fetch-Site: cross-site", 403, "browsers"},
		"names_that_are_rebound_are_refused":     {"POST", path, annotate("FACE_DETECTION"), "Host: evil.example", 403, "only for this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, url+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if key, value, ok := strings.Cut(tt.header, ": "); ok {
				r.Header.Set(key, value)
				if key == "Host" {
					r.Host = value
				}
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			compact := &bytes.Buffer{} // protojson inserts random spaces
			if json.Compact(compact, body) != nil {
				compact = bytes.NewBuffer(body)
			}
			if response.StatusCode != tt.code || !strings.Contains(compact.String(), tt.contains) {
				t.Errorf("got %s, %.300s", response.Status, body)
			}
			var failure struct {
				Error struct {
					Code            int
					Message, Status string
				}
			}
			if tt.code == 400 || tt.code == 501 {
				want := map[int]string{400: "INVALID_ARGUMENT", 501: "UNIMPLEMENTED"}[tt.code]
				if err := json.Unmarshal(body, &failure); err != nil || failure.Error.Code != tt.code || failure.Error.Status != want {
					t.Errorf("the error is %+v, %v", failure, err)
				}
			}
		})
	}
}

func TestDamagedRequestBodyIsNotTooLarge(t *testing.T) {
	address := strings.TrimPrefix(serveREST(t), "http://")
	for name, rest := range map[string]string{
		"chunk_without_size": "Transfer-Encoding: chunked\r\n\r\nx\r\n",
		"truncated":          "Content-Length: 100\r\n\r\n{}",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, "POST /v1/images:annotate HTTP/1.1\r\nHost: 127.0.0.1\r\n"+rest); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if err != nil || !bytes.Contains(answer, []byte(" 400 ")) || !bytes.Contains(answer, []byte("Reading the request: ")) {
				t.Errorf("got %s, %v", answer, err)
			}
		})
	}
}

func TestServeEndsWhileClientsKeepConnectionsOpen(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	_, addr, stopped := listen(ctx, t)
	for _, tt := range []struct{ sent, answer string }{
		{"", ""},
		{"POST / HTTP/1.1\r\n", ""},
		{"POST /v1/images:annotate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1 100 Continue"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x00\x00\x06\x04"}, // the start of a SETTINGS frame
	} {
		conn, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		answer := make([]byte, len(tt.answer))
		if _, err := io.WriteString(conn, tt.sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != tt.answer {
			t.Fatalf("%q is answered by %q, %v", tt.sent, answer, err)
		}
	}
	stop()
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(8 * time.Second):
		t.Error("the server is still running")
	}
}

// A failingListener returns errors before it accepts connections.
type failingListener struct {
	net.Listener
	errors chan error
}

func (ln failingListener) Accept() (net.Conn, error) {
	if err, ok := <-ln.errors; ok {
		return nil, err
	}
	return ln.Listener.Accept()
}

func TestServeWithAFailingListener(t *testing.T) {
	server, err := annotator.New()
	if err != nil {
		t.Fatal(err)
	}
	listen := func() failingListener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return failingListener{ln, make(chan error)}
	}
	t.Run("pauses_after_a_temporary_error", func(t *testing.T) {
		ln := listen()
		stopped := make(chan error)
		go func() { stopped <- server.Serve(t.Context(), ln) }()
		ln.errors <- syscall.EMFILE
		start := time.Now()
		ln.errors <- syscall.EMFILE
		if pause := time.Since(start); pause < 5*time.Millisecond { // gRPC's shortest
			t.Errorf("the pause is %v", pause)
		}
		close(ln.errors)
		ln.Close()
		<-stopped
	})
	t.Run("returns_the_cause_of_a_permanent_error", func(t *testing.T) {
		ln := listen()
		go func() { ln.errors <- syscall.EBADF }()
		if err := server.Serve(t.Context(), ln); !errors.Is(err, syscall.EBADF) {
			t.Errorf("got %v", err)
		}
	})
}
