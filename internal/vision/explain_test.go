package vision

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/internal/vision/features"
	"triptych/picture"
)

type explainCase struct {
	cause   cause
	name    string
	kind    picture.Kind
	after   time.Duration // that Google requests
	provoke func(*testing.T) error
}

func explainCases() []explainCase {
	cases := []explainCase{
		callFault(codes.ResourceExhausted, picture.Throttled, 0),
		callFault(codes.ResourceExhausted, picture.Throttled, 7*time.Second),
		callFault(codes.Unauthenticated, picture.Forbidden, 0),
		callFault(codes.PermissionDenied, picture.Forbidden, 0),
		callFault(codes.InvalidArgument, picture.Misconfigured, 0),
		callFault(codes.FailedPrecondition, picture.Misconfigured, 0),
		callFault(codes.NotFound, picture.Misconfigured, 0),
		callFault(codes.Unavailable, picture.Unavailable, 0),
		callFault(codes.Unavailable, picture.Unavailable, 90*time.Second),
		callFault(codes.DeadlineExceeded, picture.Unavailable, 0),
		callFault(codes.Internal, picture.Unavailable, 0),
		{cause{call, ""}, "unknown code", picture.Unavailable, 0, callFault(codes.DataLoss, "", 0).provoke},
		{cause{call, "Unavailable"}, "no server", picture.Unavailable, 0, func(t *testing.T) error {
			return annotateURL(t, unusedAddress(t))
		}},
		{cause{call, "Unimplemented"}, "other gRPC server", picture.Misconfigured, 0, func(t *testing.T) error {
			return annotateURL(t, serveGRPC(t))
		}},

		{cause{byURL, "InvalidArgument"}, "text file", picture.Unfetchable, 0, func(t *testing.T) error {
			_, address := startEmulator(t)
			text := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "dear diary") }))
			return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), byURI(text), "FACE_DETECTION")
		}},
		{cause{byURL, mentionsURL}, "deleted object", picture.Unfetchable, 0, func(t *testing.T) error {
			_, address := startEmulator(t)
			return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), byURI(serve(t, http.NotFoundHandler())), "FACE_DETECTION")
		}},
		{cause{byURL, mentionsURL}, "private bucket", picture.Unfetchable, 0, func(t *testing.T) error {
			_, address := startEmulator(t)
			return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), byURI("gs://private/picture.jpg"), "FACE_DETECTION")
		}},
		{cause{byURL, mentionsURL}, "inaccessible URL", picture.Unfetchable, 0, imageFault(byURL, annotator.Fault{ImageCode: codes.InvalidArgument,
			Message: "The URL does not appear to be accessible by us. Please double check or download the content and pass it in."})},
		{cause{byURL, "Unavailable"}, "other message", picture.Unfetchable, 0, imageFault(byURL, annotator.Fault{ImageCode: codes.Unavailable, Message: "later"})},
		{cause{byURL, "PermissionDenied"}, "other message", picture.Unfetchable, 0, imageFault(byURL, annotator.Fault{ImageCode: codes.PermissionDenied, Message: "no access"})},
		imageCode(byURL, codes.DeadlineExceeded, picture.Unfetchable),
		imageCode(byURL, codes.NotFound, picture.Unfetchable),
		imageCode(byURL, codes.ResourceExhausted, picture.Throttled),
		{cause{byURL, "Unimplemented"}, "feature that the emulator lacks", picture.Misconfigured, 0, allFeatures(byURL)},
		{cause{byURL, ""}, "unknown code", picture.Unavailable, 0, imageCode(byURL, codes.Internal, "").provoke},

		{cause{byBytes, "InvalidArgument"}, "text file", picture.BadImage, 0, func(t *testing.T) error {
			_, address := startEmulator(t)
			return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), &visionpb.Image{Content: []byte("dear diary")}, "FACE_DETECTION")
		}},
		imageCode(byBytes, codes.ResourceExhausted, picture.Throttled),
		{cause{byBytes, "Unimplemented"}, "feature that the emulator lacks", picture.Misconfigured, 0, allFeatures(byBytes)},
		{cause{byBytes, ""}, "unknown code", picture.Unavailable, 0, imageCode(byBytes, codes.Internal, "").provoke},
		{cause{byBytes, ""}, "code about fetching", picture.Unavailable, 0, imageCode(byBytes, codes.PermissionDenied, "").provoke},
		{cause{byBytes, ""}, "message about a URL", picture.Unavailable, 0, imageFault(byBytes, annotator.Fault{ImageCode: codes.InvalidArgument, Message: "The URL is not accessible."})},
	}
	for _, p := range []phase{byURL, byBytes} {
		cases = append(cases,
			explainCase{cause{p, tooManyPixels}, "82 megapixels", picture.TooLarge, 0, func(t *testing.T) error { return annotateHuge(t, p) }},
			explainCase{cause{p, tooManyBytes}, "more than 20 MB", picture.TooLarge, 0, imageFault(p,
				annotator.Fault{ImageCode: codes.InvalidArgument, Message: "Image too large. Please limit to 20 megabytes."})},
			explainCase{cause{p, ""}, "too large for another reason", picture.Unavailable, 0, imageFault(p,
				annotator.Fault{ImageCode: codes.Internal, Message: "Image too large. Please limit to 75 megapixels."})},
		)
	}
	return append(cases, signInCases()...)
}

func TestExplain(t *testing.T) {
	covered := map[cause]bool{}
	for _, c := range explainCases() {
		covered[c.cause] = true
		t.Run(fmt.Sprintf("phase_%d/%s/%s", c.cause.phase, c.cause.code, c.name), func(t *testing.T) {
			row, ok := explanations[c.cause]
			if !ok {
				t.Fatal("there is no such row")
			}
			err := c.provoke(t)
			if err == nil {
				t.Fatal("the call succeeded")
			}
			e, ok := errors.AsType[*picture.Error](err) // of ExplainImage
			if !ok {
				e = Explain(err)
			}
			if e.Kind != c.kind || e.Message != row.message || e.RetryAfter != c.after || e.Cloud != picture.Google {
				t.Errorf("got %s %q, retry after %s, cloud %s, want %s %q, %s; the error is %v", e.Kind, e.Message, e.RetryAfter, e.Cloud, c.kind, row.message, c.after, err)
			}
			if e.Err == nil || e.Err.Error() == "" {
				t.Error("Google's own message is missing")
			}
		})
	}
	for c := range explanations {
		if !covered[c] {
			t.Errorf("no test for %+v", c)
		}
	}
}

// The emulator fails only the first request. If the client retried, the call would succeed and the test would fail.
func callFault(code codes.Code, kind picture.Kind, after time.Duration) explainCase {
	return explainCase{cause{call, code.String()}, fmt.Sprintf("retry after %s", after), kind, after, func(t *testing.T) error {
		emulator, address := startEmulator(t)
		emulator.SetFault(annotator.Fault{Code: code, RetryAfter: after, Times: 1})
		return annotateURL(t, address)
	}}
}

func imageCode(p phase, code codes.Code, kind picture.Kind) explainCase {
	return explainCase{cause{p, code.String()}, "code alone", kind, 0, imageFault(p, annotator.Fault{ImageCode: code})}
}

func imageFault(p phase, fault annotator.Fault) func(*testing.T) error {
	return func(t *testing.T) error {
		emulator, address := startEmulator(t)
		emulator.SetFault(fault)
		return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), photoImage(t, p), "FACE_DETECTION")
	}
}

func allFeatures(p phase) func(*testing.T) error {
	return func(t *testing.T) error {
		_, address := startEmulator(t)
		return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), photoImage(t, p), features.Default)
	}
}

func annotateHuge(t *testing.T, p phase) error {
	t.Helper()
	var header bytes.Buffer // of a picture of 9,060 × 9,060 pixels
	if err := png.Encode(&header, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	content := header.Bytes()
	binary.BigEndian.PutUint32(content[16:], 9060)
	binary.BigEndian.PutUint32(content[20:], 9060)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(content[12:29]))
	picture := &visionpb.Image{Content: content}
	if p == byURL {
		picture = byURI(serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(content) })))
	}
	_, address := startEmulator(t)
	return annotate(t.Context(), openClient(t, Config{EmulatorHost: address}), picture, "FACE_DETECTION")
}

func photoImage(t *testing.T, p phase) *visionpb.Image {
	t.Helper()
	if p == byURL {
		return byURI(photoURL(t))
	}
	content, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	return &visionpb.Image{Content: content}
}

func byURI(uri string) *visionpb.Image {
	return &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: uri}}
}

func annotateURL(t *testing.T, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return annotate(ctx, openClient(t, Config{EmulatorHost: address}), byURI(photoURL(t)), "FACE_DETECTION")
}

func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func serveGRPC(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
