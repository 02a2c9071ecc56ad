package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/records"
	"triptych/picture"
)

// few measures everything once, to see that it can be measured.
var few = plan{rounds: 1, idle: 3, slow: 1, events: 1, starts: 1, flights: []int{1, 10}, during: 300 * time.Millisecond, waiting: 20}

func TestBench(t *testing.T) {
	r, err := openRig(t.Context(), t.TempDir(), nil, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	kept, err := records.Open(r.stack.Endpoints.Cosmos, r.stack.Endpoints.CosmosKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range r.variants {
		t.Run(v.name+"_really_writes_the_Record", func(t *testing.T) {
			p, _, err := v.take(t.Context(), func() {})
			if err != nil {
				t.Fatal(err)
			}
			record, _, err := kept.Read(t.Context(), p.ID)
			if err != nil || record.Status != picture.Annotated || !bytes.Contains(record.Annotation, []byte("faceAnnotations")) {
				t.Errorf("Record %.300v, %v", record, err)
			}
		})
	}
	t.Run("fills_the_whole_table", func(t *testing.T) {
		m, err := r.measure(t.Context(), few)
		if err != nil {
			t.Fatal(err)
		}
		checkTable(t, m.table(few))
	})
	t.Run("shows_what_there_is_when_it_is_stopped", func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		r.say = stopsAt{"one by one: plain", stop}
		m, err := r.measure(ctx, few)
		if err == nil || len(m["idle"]["direct"]) != few.idle || len(m["idle"]["plain"]) != 0 {
			t.Errorf("measured %v, %v", m, err)
		}
	})
}

// stopsAt presses Ctrl-C once bench says so much.
type stopsAt struct {
	words string
	stop  func()
}

func (s stopsAt) Write(said []byte) (int, error) {
	if strings.Contains(string(said), s.words) {
		s.stop()
	}
	return len(said), nil
}

// checkTable wants a value wherever there is something to measure.
func checkTable(t *testing.T, rows table) {
	var text, lines bytes.Buffer
	if err := rows.write(&text); err != nil {
		t.Fatal(err)
	}
	if err := rows.writeJSON(&lines); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &text)
	if n := strings.Count(text.String(), "\n"); n != len(rows)+2 {
		t.Errorf("%d lines for %d rows", n, len(rows))
	}
	for decoder := json.NewDecoder(&lines); decoder.More(); {
		var r row
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		linux := map[string]bool{"s": true, "MB": true}[r.Unit] // from /proc
		if _, err := os.Stat("/proc/self/stat"); linux && err != nil {
			continue
		}
		if r.Triptych == nil {
			t.Errorf("%q (%s) has no value for triptych", r.Name, r.Unit)
		}
		if inTime := r.Unit == "ms" || r.Unit == "1/s"; inTime && *r.Triptych <= 0 {
			t.Errorf("%q is %v %s", r.Name, *r.Triptych, r.Unit)
		}
		if r.Name == "runs that failed" && *r.Triptych != 0 {
			t.Errorf("%v runs failed", *r.Triptych)
		}
	}
}

func TestActions(t *testing.T) {
	for history, want := range map[string]int{
		"a_picture_is_annotated":                                   4, // start, markers, two activities
		"an_error_nobody_foresaw_is_tried_again":                   5, // another attempt of annotate
		"credentials_that_are_missing_for_a_moment_are_waited_for": 6, // presign, by a third activity and a second attempt
	} {
		t.Run(history, func(t *testing.T) {
			text, err := os.ReadFile("../workflows/testdata/AnnotatePicture/" + history + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var h historypb.History
			if err := protojson.Unmarshal(text, &h); err != nil {
				t.Fatal(err)
			}
			if got := actions(h.Events); got != want {
				t.Errorf("%d Actions, want %d", got, want)
			}
		})
	}
}
