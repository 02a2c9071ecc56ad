package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdaurl"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

type frameReader struct {
	t     *testing.T
	lines *bufio.Scanner
}

func newFrameReader(t *testing.T, body io.Reader) *frameReader {
	t.Helper()
	lines := bufio.NewScanner(body)
	lines.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := strings.Index(string(data), "\n\n"); i >= 0 {
			return i + 2, data[:i], nil
		}
		if atEOF && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	return &frameReader{t, lines}
}

// next returns "" after the last frame.
func (f *frameReader) next() string {
	f.t.Helper()
	if !f.lines.Scan() {
		if err := f.lines.Err(); err != nil {
			f.t.Fatal(err)
		}
		return ""
	}
	return f.lines.Text()
}

func (f *frameReader) progress() picture.Progress {
	f.t.Helper()
	frame := f.next()
	data, ok := strings.CutPrefix(frame, "data: ")
	var p picture.Progress
	if err := json.Unmarshal([]byte(data), &p); !ok || err != nil || strings.Contains(data, "\n") {
		f.t.Fatalf("the frame %q contains no progress: %v", frame, err)
	}
	return p
}

func TestStreamProgress(t *testing.T) {
	open := func(t *testing.T, s *testSite, l link) *frameReader {
		t.Helper()
		resp := s.do(t, "GET", "/api/pictures/"+l.id+"/events", "", nil)
		if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("the content type is %q", got)
		}
		f := newFrameReader(t, resp.Body)
		if got := f.next(); got != "retry: 1000" {
			t.Errorf("the stream begins with %q", got)
		}
		return f
	}
	l := newTestLink(time.Now())
	annotated := (picture.Picture{ID: l.picture, Bucket: "b", Key: "k"}).AnnotatedRecord([]byte("{}"), time.Now(), nil, "run")

	t.Run("each_change_is_sent_once_and_the_final_status_ends_the_stream", func(t *testing.T) {
		s := newTestSite(t)
		f := open(t, s, l)
		if p := f.progress(); p.Status != picture.Waiting {
			t.Errorf("the first status is %s", p.Status)
		}
		s.temporal.use(t, "annotate_running")
		if p := f.progress(); statuses(p.Steps) != "done running waiting" {
			t.Errorf("the next steps are %s", statuses(p.Steps))
		}
		s.temporal.use(t, "annotate_waiting_for_retry")
		if p := f.progress(); statuses(p.Steps) != "done retrying waiting" {
			t.Errorf("the next steps are %s", statuses(p.Steps))
		}
		s.store(t, annotated)
		if p := f.progress(); p.Status != picture.Annotated || p.Record == nil {
			t.Errorf("the next status is %s", p.Status)
		}
		if rest := f.next(); rest != "" {
			t.Errorf("the stream continues with %q", rest)
		}
	})
	t.Run("keep_alive_comments_outlast_the_timeouts_of_the_server", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) {
			s.timing.keepAlive = 250 * time.Millisecond
			s.site.Config.ReadTimeout, s.site.Config.WriteTimeout = time.Second, time.Second
		})
		f := open(t, s, l)
		f.progress()
		for range 6 {
			if got := f.next(); got != ": still here" {
				t.Fatalf("the frame is %q, want a comment", got)
			}
		}
	})
	t.Run("unavailable_Cosmos_DB_does_not_end_the_stream", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) { s.timing.keepAlive = 20 * time.Millisecond })
		s.cosmos.SetFault(cosmosdb.Fault{Status: 503})
		f := open(t, s, l)
		if got := f.next(); got != ": still here" {
			t.Errorf("while Cosmos DB is unavailable, the frame is %q, want a comment", got)
		}
		s.endCosmosFault(t, annotated)
		for frame := f.next(); ; frame = f.next() {
			if strings.HasPrefix(frame, "data: ") && strings.Contains(frame, `"annotated"`) {
				break
			}
			if frame == "" {
				t.Fatal("the stream ended without the Record")
			}
		}
	})
	t.Run("stream_ends_at_its_time_limit", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) { s.timing.limit = 3 * time.Second })
		f := open(t, s, l)
		f.progress()
		if rest := f.next(); rest != "" {
			t.Errorf("the stream continues with %q", rest)
		}
	})
	t.Run("unchanged_history_is_read_once", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) { s.timing.keepAlive = 20 * time.Millisecond })
		s.temporal.use(t, "annotate_running")
		f := open(t, s, l)
		f.progress()
		for range 5 {
			f.next()
		}
		if n := s.temporal.read(func() int { return s.temporal.histories }); n != 1 {
			t.Errorf("the history was read %d times", n)
		}
		s.temporal.advance(t, "persist_waiting_for_retry")
		if p := f.progress(); statuses(p.Steps) != "done done retrying" {
			t.Errorf("after the history has grown, the steps are %s", statuses(p.Steps))
		}
	})
	t.Run("picture_with_expired_grant_is_polled_at_the_idle_interval", func(t *testing.T) {
		s := newTestSite(t, func(s *testSite) { s.timing.keepAlive, s.timing.idle = 20*time.Millisecond, time.Hour })
		polls := 0
		s.temporal.onDescribe = func() { polls++ }
		f := open(t, s, newTestLink(time.Now().Add(-time.Hour)))
		f.progress()
		for range 5 {
			f.next()
		}
		if n := s.temporal.read(func() int { return polls }); n != 1 {
			t.Errorf("the picture was polled %d times", n)
		}
	})
	t.Run("stream_ends_when_the_server_stops", func(t *testing.T) {
		stopping := make(chan struct{})
		s := newTestSite(t, func(s *testSite) { s.stopping = stopping })
		f := open(t, s, l)
		f.progress()
		close(stopping)
		if rest := f.next(); rest != "" {
			t.Errorf("the stream continues with %q", rest)
		}
	})
}

func (s *testSite) endCosmosFault(t *testing.T, record picture.Record) {
	t.Helper()
	s.cosmos.SetFault(cosmosdb.Fault{})
	for s.records.Create(t.Context(), record) != nil {
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
	}
}

func TestStreamProgressInLambdaEndsBeforeItsDeadline(t *testing.T) {
	s := newTestSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	request := &events.LambdaFunctionURLRequest{RawPath: "/api/pictures/" + newTestLink(time.Now()).id + "/events"}
	request.RequestContext.HTTP.Method = http.MethodGet
	request.RequestContext.DomainName = "example.com"
	resp, err := lambdaurl.Wrap(s.handler(bucketOrigin))(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	f := newFrameReader(t, resp.Body)
	f.next()
	if p := f.progress(); p.Status != picture.Waiting {
		t.Errorf("the first status is %s", p.Status)
	}
	s.temporal.use(t, "annotate_running")
	if p := f.progress(); p.Status != picture.Running {
		t.Errorf("the next status is %s", p.Status)
	}
	if rest := f.next(); rest != "" || ctx.Err() != nil {
		t.Errorf("the stream continues with %q, %v", rest, ctx.Err())
	}
}
