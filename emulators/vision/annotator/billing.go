package annotator

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// Billed returns the number of images that Google would bill: those with an annotation, whether by analysis or by a
// Fault's Response. Errors are free.
func (s *Server) Billed() int64 { return s.billed.Load() }

// BillTo writes a line with the time and the Identity of each billed image to w. It must be called before Serve.
func (s *Server) BillTo(w io.Writer) { s.billLog = w }

func (s *Server) bill(image *visionpb.Image) {
	s.billed.Add(1)
	if s.billLog == nil {
		return
	}
	content := image.GetContent()
	if len(content) == 0 {
		// With a Fault's Response, the URL has not been parsed before and may be invalid.
		if u, err := url.Parse(image.GetSource().GetImageUri()); err == nil {
			content = []byte(u.Path)
		}
	}
	// One Write call per line, so that concurrent lines do not mix. Write errors do not affect the count.
	fmt.Fprintf(s.billLog, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), Identity(content))
}

// Identity returns the ID of an image in the billing log: the SHA-256 of its bytes or, for an image that was sent by URL,
// of the URL's path. The log thus contains neither pictures nor signed URLs.
func Identity(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }
