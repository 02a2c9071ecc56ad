package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/records"
	"triptych/picture"
)

// few measures everything once, to see that it can be measured.
var few = plan{rounds: 1, idle: 2, slow: 1, events: 1, starts: 1, flights: []int{1, 4}, during: 100 * time.Millisecond, waiting: 20}

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

// checkTable wants a value wherever there is something to measure, and of it only what no machine can change.
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
	got := map[string]float64{}
	for decoder := json.NewDecoder(&lines); decoder.More(); {
		var r row
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		linux := map[string]bool{"s": true, "MB": true}[r.Unit] // from /proc
		if _, err := os.Stat("/proc/self/stat"); linux && err != nil {
			continue
		}
		if _, twice := got[r.Name]; twice || r.Triptych == nil {
			t.Fatalf("%q (%s) is there twice: %v, or has no value for triptych", r.Name, r.Unit, twice)
		}
		got[r.Name] = *r.Triptych
		difference := strings.Contains(r.Name, "over direct") // may be negative by chance
		if inTime := r.Unit == "ms" || r.Unit == "1/s"; inTime && !difference && *r.Triptych <= 0 {
			t.Errorf("%q is %v %s", r.Name, *r.Triptych, r.Unit)
		}
	}
	for _, name := range []string{"billable Temporal Actions of a picture", "history of a picture: length", "history of a picture: size"} {
		if got[name] <= 0 {
			t.Errorf("%s: %v", name, got[name])
		}
	}
	if failed, there := got["20 waited for the worker: runs that failed"]; failed != 0 || !there {
		t.Errorf("%v runs failed", failed)
	}
}

func TestOnly(t *testing.T) {
	t.Run("a_name_that_is_none_is_refused_before_anything_is_started", func(t *testing.T) {
		var said bytes.Buffer
		err := run(t.Context(), []string{"-only", "plain,triptich"}, io.Discard, &said)
		if err == nil || !strings.Contains(err.Error(), `"triptich"; there are direct, default, plain, triptych`) || said.Len() > 0 {
			t.Errorf("got %v, said %s", err, &said)
		}
	})
}

func TestInTurn(t *testing.T) {
	t.Run("every_other_round_goes_the_other_way", func(t *testing.T) {
		a, b := &variant{}, &variant{}
		all := []*variant{a, b}
		if !slices.Equal(inTurn(all, 0), all) || !slices.Equal(inTurn(all, 1), []*variant{b, a}) || !slices.Equal(inTurn(all, 2), all) {
			t.Error("it does not")
		}
	})
}

func TestActions(t *testing.T) {
	for history, want := range map[string]int{
		"a_picture_is_annotated":                                   4, // start, markers, two activities
		"an_error_nobody_foresaw_is_tried_again":                   6, // another attempt of annotate, and persist by an activity after its first
		"credentials_that_are_missing_for_a_moment_are_waited_for": 6, // presign, by a third activity and a second attempt
	} {
		t.Run(history, func(t *testing.T) {
			text, err := os.ReadFile("../workflows/testdata/AnnotatePicture/2/" + history + ".json")
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
