package annotator

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// Billed returns the number of images that Google would bill. These are all images whose response contains no error,
// even if the response comes from a Fault.
func (s *Server) Billed() int64 { return s.billed.Load() }

// BillTo makes the Server write one line to `w` for each billed image. The line contains the time and the image's
// Identity. Call BillTo before Serve.
func (s *Server) BillTo(w io.Writer) { s.billLog = w }

func (s *Server) bill(image *visionpb.Image) {
	s.billed.Add(1)
	if s.billLog == nil {
		return
	}
	content := image.GetContent()
	if len(content) == 0 {
		// If a Fault replaces the response, the URL is not fetched and may be invalid. If the URL is invalid, the
		// line in the log contains the SHA-256 of the empty string.
		if u, err := url.Parse(image.GetSource().GetImageUri()); err == nil {
			content = []byte(u.Path)
		}
	}
	// Each line is written with one call of Write, so that lines of concurrent requests do not mix.
	fmt.Fprintf(s.billLog, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), Identity(content))
}

// Identity returns the SHA-256 of `content`, which is an image's bytes or the path of its URL. The billing log
// contains this hash, because the log must not contain pictures or signed URLs.
func Identity(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }
