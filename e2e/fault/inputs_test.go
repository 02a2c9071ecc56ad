package fault

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/grpc/codes"

	"triptych/activities"
	"triptych/e2e/siteclient"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// inputs are what people, and others, upload.
var inputs = []fault{
	rejects("HTML_named_.jpg_is_rejected", func(*testing.T) []byte { return []byte("<!doctype html><title>me</title>") }),
	rejects("an_SVG_is_rejected", func(*testing.T) []byte {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/"/></svg>`)
	}),
	rejects("a_truncated_JPEG_is_rejected", func(t *testing.T) []byte {
		photo := portrait(t)
		return photo[:len(photo)/3]
	}),
	rejects("a_bomb_of_over_75_megapixels_is_rejected", func(t *testing.T) []byte { return resized(t, 9000, 9000) }),
	{name: "zero_bytes_are_refused_by_the_site_and_rejected_when_they_come_past_it", run: func(t *testing.T, p *wholeStack) {
		_, err := p.site.Ask(patient(t), nil)
		if refused, ok := err.(*siteclient.Refused); !ok || refused.Status != http.StatusBadRequest {
			t.Errorf("the site answered %v", err)
		}
		s := p.past(t, nil)
		s.ends(t, ending{status: picture.Rejected, kind: picture.BadImage, shown: 2})
	}},
	{name: "an_image_too_large_to_be_sent_waits_until_Google_can_fetch_it", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, padded(t))
		s.google(annotator.Fault{ImageCode: codes.Unavailable, Message: "We can not access the URL currently."})
		s.upload(t)
		s.waits(t, waiting{picture.AnnotateStep, picture.Unavailable, "make the bucket reachable for Google"})
		s.google(atOnce)
		s.ends(t, annotated)
	}},
}

// large is an input that takes a busy machine for itself.
var large = []fault{
	{name: "an_image_of_20_MB_is_annotated", run: func(t *testing.T, p *wholeStack) {
		s := p.take(t, padded(t))
		if kept := s.ends(t, annotated); kept.Size != picture.MaxSize {
			t.Errorf("the Record tells of %d bytes", kept.Size)
		}
	}},
}

// rejects is a case of what can never be annotated.
func rejects(name string, content func(*testing.T) []byte) fault {
	return fault{name: name, run: func(t *testing.T, p *wholeStack) {
		s := p.take(t, content(t))
		kept := s.ends(t, ending{status: picture.Rejected, kind: picture.BadImage, shown: 2})
		if why := kept.Rejection; why == nil || why.Step != picture.AnnotateStep || why.Message == "" {
			t.Errorf("it was rejected for %+v", why)
		}
		byURL := s.scheduled(t, picture.AnnotateStep)[0].failure
		if kindOf(byURL) != picture.Unfetchable { // believed only once the bytes were seen too
			t.Errorf("by URL it failed of %v", byURL)
		}
	}}
}

// past uploads content past the site, as a picture of it.
func (p *wholeStack) past(t *testing.T, content []byte) *shot {
	t.Helper()
	s := &shot{wholeStack: p, Grant: siteclient.Grant{ID: picture.NewID(time.Now())}, photo: content}
	s.overwrite(t, content)
	return s
}

// overwrite puts another version in the object's place.
func (s *shot) overwrite(t *testing.T, content []byte) {
	t.Helper()
	key := s.key(t)
	_, err := s.bucket.PutObject(patient(t), &s3.PutObjectInput{Bucket: &s.Endpoints.Bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *shot) key(t *testing.T) string {
	t.Helper()
	key, err := s.ID.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// padded is a portrait of the largest size that is granted an upload, far above what can be sent along.
func padded(t *testing.T) []byte {
	t.Helper()
	photo := make([]byte, picture.MaxSize)
	copy(photo, portrait(t))
	copy(photo[len(photo)-len(t.Name()):], t.Name())
	if len(photo) <= activities.MaxInlineSize {
		t.Fatal("it could be sent")
	}
	return photo
}

// resized is a JPEG whose header promises other dimensions than its data has.
func resized(t *testing.T, width, height uint16) []byte {
	t.Helper()
	photo := portrait(t)
	frame := bytes.Index(photo, []byte{0xff, 0xc0}) // baseline
	if progressive := bytes.Index(photo, []byte{0xff, 0xc2}); frame < 0 || progressive >= 0 && progressive < frame {
		frame = progressive
	}
	if frame < 0 {
		t.Fatal("the photo has no frame header")
	}
	binary.BigEndian.PutUint16(photo[frame+5:], height)
	binary.BigEndian.PutUint16(photo[frame+7:], width)
	return photo
}
