package annotator

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// Billed returns the number of images that Google would bill: those without an error in their response.
func (s *Server) Billed() int64 { return s.billed.Load() }

// BillTo makes the server log each billed image to `w`: a line with the time and the image's Identity. Call BillTo
// before Serve.
func (s *Server) BillTo(w io.Writer) { s.billLog = w }

func (s *Server) bill(image *visionpb.Image) {
	s.billed.Add(1)
	if s.billLog == nil {
		return
	}
	content := image.GetContent()
	if len(content) == 0 {
		if u, err := url.Parse(image.GetSource().GetImageUri()); err == nil {
			content = []byte(u.Path)
		}
	}
	// Fprintf calls Write once, so the lines of concurrent requests do not mix.
	fmt.Fprintf(s.billLog, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), Identity(content))
}

// Identity returns the SHA-256 of an image's bytes or of its URL's path. The billing log contains this hash, because
// pictures and signed URLs are confidential.
func Identity(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }
