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

// frames reads the frames of an event stream, one by one, until it ends.
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

// next is the next frame, "" at the end.
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
		f.t.Fatalf("the frame %q holds no progress: %v", frame, err)
	}
	return p
}

func TestEvents(t *testing.T) {
	open := func(t *testing.T, c *testSite, id picture.ID) *frameReader {
		t.Helper()
		resp := c.do(t, "GET", "/api/pictures/"+string(id)+"/events", "", nil)
		if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Errorf("content type is %q", got)
		}
		f := newFrameReader(t, resp.Body)
		if got := f.next(); got != "retry: 1000" {
			t.Errorf("the stream begins with %q", got)
		}
		return f
	}
	id := picture.NewID(time.Now())
	annotated := (picture.Picture{ID: id, Bucket: "b", Key: "k"}).AnnotatedRecord([]byte("{}"), time.Now(), nil, "run")

	t.Run("each_change_is_told_once_and_the_last_ends_it", func(t *testing.T) {
		c := newTestSite(t)
		f := open(t, c, id)
		if p := f.progress(); p.Status != picture.Waiting {
			t.Errorf("first %s", p.Status)
		}
		c.temporal.use(t, "annotate_running")
		if p := f.progress(); statuses(p.Steps) != "done running waiting" {
			t.Errorf("then %s", statuses(p.Steps))
		}
		c.temporal.use(t, "annotate_waiting_for_retry")
		if p := f.progress(); statuses(p.Steps) != "done retrying waiting" {
			t.Errorf("then %s", statuses(p.Steps))
		}
		c.store(t, annotated)
		if p := f.progress(); p.Status != picture.Annotated || p.Record == nil {
			t.Errorf("then %s", p.Status)
		}
		if rest := f.next(); rest != "" {
			t.Errorf("then %q", rest)
		}
	})
	t.Run("a_silent_stream_carries_comments_past_the_server's_bounds", func(t *testing.T) {
		c := newTestSite(t, func(c *testSite) {
			c.timing.keepAlive = 250 * time.Millisecond
			c.site.Config.ReadTimeout, c.site.Config.WriteTimeout = time.Second, time.Second
		})
		f := open(t, c, id)
		f.progress()
		for range 6 {
			if got := f.next(); got != ": still here" {
				t.Fatalf("instead of a comment %q", got)
			}
		}
	})
	t.Run("it_waits_out_clouds_that_do_not_answer", func(t *testing.T) {
		c := newTestSite(t, func(c *testSite) { c.timing.keepAlive = 20 * time.Millisecond })
		c.cosmos.SetFault(cosmosdb.Fault{Status: 503})
		f := open(t, c, id)
		if got := f.next(); got != ": still here" {
			t.Errorf("without Cosmos it said %q", got)
		}
		c.mend(t, annotated)
		for frame := f.next(); ; frame = f.next() {
			if strings.HasPrefix(frame, "data: ") && strings.Contains(frame, `"annotated"`) {
				break
			}
			if frame == "" {
				t.Fatal("it ended without the Record")
			}
		}
	})
	t.Run("it_ends_after_its_time", func(t *testing.T) {
		c := newTestSite(t, func(c *testSite) { c.timing.limit = 3 * time.Second })
		f := open(t, c, id)
		f.progress()
		if rest := f.next(); rest != "" {
			t.Errorf("then %q", rest)
		}
	})
	t.Run("a_history_that_has_not_grown_is_not_read_again", func(t *testing.T) {
		c := newTestSite(t, func(c *testSite) { c.timing.keepAlive = 20 * time.Millisecond })
		c.temporal.use(t, "annotate_running")
		f := open(t, c, id)
		f.progress()
		for range 5 {
			f.next()
		}
		if n := c.temporal.count(func() int { return c.temporal.histories }); n != 1 {
			t.Errorf("it was read %d times", n)
		}
		c.temporal.advance(t, "persist_waiting_for_retry")
		if p := f.progress(); statuses(p.Steps) != "done done retrying" {
			t.Errorf("once it has grown it is told as %s", statuses(p.Steps))
		}
	})
	for name, minted := range map[string]time.Time{"expired_long_ago": time.Now().Add(-time.Hour), "was_never_minted": time.Now().Add(time.Hour)} {
		t.Run("a_picture_whose_grant_"+name+"_is_hardly_looked_for", func(t *testing.T) {
			c := newTestSite(t, func(c *testSite) { c.timing.keepAlive, c.timing.poll.idle = 20*time.Millisecond, time.Hour })
			looks := 0
			c.temporal.onDescribe = func() { looks++ }
			f := open(t, c, picture.NewID(minted))
			f.progress()
			for range 5 {
				f.next()
			}
			if n := c.temporal.count(func() int { return looks }); n != 1 {
				t.Errorf("it was looked for %d times", n)
			}
		})
	}
	t.Run("it_ends_when_the_server_stops", func(t *testing.T) {
		stopping := make(chan struct{})
		c := newTestSite(t, func(c *testSite) { c.stopping = stopping })
		f := open(t, c, id)
		f.progress()
		close(stopping)
		if rest := f.next(); rest != "" {
			t.Errorf("then %q", rest)
		}
	})
}

// mend ends Cosmos's fault and writes the Record, again if a call that met the fault is shared.
func (c *testSite) mend(t *testing.T, record picture.Record) {
	t.Helper()
	c.cosmos.SetFault(cosmosdb.Fault{})
	for c.records.Create(t.Context(), record) != nil {
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
	}
}

func TestEvents_a_Lambda_streams_them_and_ends_before_its_deadline(t *testing.T) {
	c := newTestSite(t)
	id := picture.NewID(time.Now())
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	request := &events.LambdaFunctionURLRequest{RawPath: "/api/pictures/" + string(id) + "/events"}
	request.RequestContext.HTTP.Method = http.MethodGet
	request.RequestContext.DomainName = "example.com"
	resp, err := lambdaurl.Wrap(c.handler(bucketOrigin))(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	f := newFrameReader(t, resp.Body)
	f.next()
	if p := f.progress(); p.Status != picture.Waiting {
		t.Errorf("first %s", p.Status)
	}
	c.temporal.use(t, "annotate_running")
	if p := f.progress(); p.Status != picture.Running {
		t.Errorf("then %s", p.Status)
	}
	if rest := f.next(); rest != "" || ctx.Err() != nil {
		t.Errorf("then %q, %v", rest, ctx.Err())
	}
}
