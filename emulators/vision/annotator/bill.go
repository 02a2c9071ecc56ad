package annotator

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

// Annotated counts the images answered with an annotation, by analysis or by a Fault's Response: what
// Google would bill. Errors are free.
func (s *Server) Billed() int64 { return s.annotated.Load() }

// BillTo writes a line for each of those images: when, and the Identity of what was shown. It is to be called before
// Serve.
func (s *Server) BillTo(w io.Writer) { s.bills = w }

func (s *Server) bill(image *visionpb.Image) {
	s.annotated.Add(1)
	if s.bills == nil {
		return
	}
	shown := image.GetContent()
	if len(shown) == 0 {
		if at, err := url.Parse(image.GetSource().GetImageUri()); err == nil { // else it was no URL, but a Fault answered
			shown = []byte(at.Path)
		}
	}
	// One write, so that lines stay whole; what cannot be written is still counted.
	fmt.Fprintf(s.bills, "%s %s\n", time.Now().UTC().Format(time.RFC3339Nano), Identity(shown))
}

// Identity stands for an image in the bill without opening it to whoever reads that: the SHA-256 of its bytes or, if
// it was shown by URL, of the URL's path.
func Identity(shown []byte) string { return fmt.Sprintf("%x", sha256.Sum256(shown)) }
