package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/siteclient"
	"triptych/emulators/s3event"
	"triptych/picture"
)

// notices are S3's events, which come too often, too late, in the wrong order or not at all.
var notices = []fault{
	{name: "the_same_event_100_times_at_once_is_one_run", run: func(t *testing.T, p *wholeStack) {
		s := p.silent(t)
		event := s.event(t, s.version(t), int64(len(s.photo)))
		var deliveries sync.WaitGroup
		for range 100 {
			deliveries.Go(func() { s.deliver(t, event) })
		}
		deliveries.Wait()
		s.ends(t, annotated)
	}},
	{name: "an_event_after_the_Record_starts_nothing", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.upload(t)
		first := s.ends(t, annotated)
		s.deliver(t, s.event(t, s.version(t), int64(len(s.photo))))
		if again := s.ends(t, annotated); again.RunID != first.RunID {
			t.Error("it was saved again")
		}
	}},
	{name: "events_out_of_order_are_one_run_of_the_first_to_come", run: func(t *testing.T, p *wholeStack) {
		s := p.silent(t)
		first := s.event(t, s.version(t), int64(len(s.photo)))
		s.photo = append(s.photo, "second"...)
		s.overwrite(t, s.photo)
		second := s.version(t)
		removal := bytes.Replace(first, []byte("ObjectCreated:Put"), []byte("ObjectRemoved:DeleteMarkerCreated"), 1)
		s.deliver(t, removal)
		s.deliver(t, s.event(t, second, int64(len(s.photo))))
		s.deliver(t, first)
		if kept := s.ends(t, annotated); kept.VersionID != second {
			t.Errorf("the Record is of version %s, want %s", kept.VersionID, second)
		}
	}},
	{name: "a_bad_record_among_50_takes_none_of_the_others_with_it", run: func(t *testing.T, p *wholeStack) {
		var others []*shot
		var all []string
		for range 50 {
			s := &shot{wholeStack: p, Grant: siteclient.Grant{ID: picture.NewID(time.Now())}, photo: []byte("never uploaded")}
			others, all = append(others, s), append(all, s.notice(t, "", 1))
		}
		const bad = 16
		all[bad] = strings.Replace(all[bad], "pictures%2F", "pictures%2F%zz", 1)
		others = slices.Delete(others, bad, bad+1)
		p.deliver(t, []byte(`{"Records":[`+strings.Join(all, ",")+`]}`)) // and it is not delivered for ever
		for _, s := range others {
			s.ends(t, ending{status: picture.Rejected, kind: picture.Gone, shown: 2})
		}
		if !strings.Contains(p.log(t, "trigger"), "cannot be read and is left out") {
			t.Error("the trigger's log does not tell of the bad one")
		}
	}},
}

// sweeps find what no event told of, whichever case it is of.
var sweeps = []fault{
	{name: "an_event_that_never_comes_is_made_up_for_by_the_sweep", run: func(t *testing.T, p *wholeStack) {
		s := p.silent(t)
		if err := p.temporal.ScheduleClient().GetHandle(patient(t), "sweep").Trigger(patient(t), client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}); err != nil {
			t.Fatal(err)
		}
		s.ends(t, annotated)
	}},
}

// silent uploads a picture of which S3 tells nobody.
func (p *wholeStack) silent(t *testing.T) *shot {
	t.Helper()
	s := p.easy(t)
	s.aws(t, `,"events":"drop"`)
	s.upload(t)
	return s
}

// notice is S3's of the picture; event is one with nothing else in it.
func (s *shot) notice(t *testing.T, version string, size int64) string {
	t.Helper()
	record, err := json.Marshal(s3event.Created(picture.Picture{
		Bucket: s.Endpoints.Bucket, Key: s.key(t), VersionID: version, ETag: "0123456789abcdef0123456789abcdef", Size: size, UploadedAt: time.Now(),
	}))
	if err != nil {
		t.Fatal(err)
	}
	return string(record)
}

func (s *shot) event(t *testing.T, version string, size int64) []byte {
	t.Helper()
	return fmt.Appendf(nil, `{"Records":[%s]}`, s.notice(t, version, size))
}

// deliver has the trigger handle an event, and returns once it has.
func (p *wholeStack) deliver(t *testing.T, event []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(patient(t), http.MethodPost, p.LambdaURL, bytes.NewReader(event))
	if err != nil {
		t.Error(err)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if failed := res.Header.Get("X-Amz-Function-Error"); err != nil || failed != "" || res.StatusCode != http.StatusOK {
		t.Errorf("the trigger was answered %s, %q, %s, %v", res.Status, failed, said, err)
	}
}
