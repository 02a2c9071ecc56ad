package annotator

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// Billed returns the number of images that Google would bill: those with an annotation, from the detectors or from a Fault's
// Response. Images with an error are free.
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
		// The URL may be invalid if a Fault replaces the response. Identity is then the hash of no bytes.
		if u, err := url.Parse(image.GetSource().GetImageUri()); err == nil {
			content = []byte(u.Path)
		}
	}
	// Each line is one Write call, so that concurrent lines do not mix.
	fmt.Fprintf(s.billLog, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), Identity(content))
}

// Identity returns the ID of an image in the billing log: the SHA-256 of its bytes or of its URL's path. The log thus contains
// neither pictures nor signed URLs.
func Identity(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }
