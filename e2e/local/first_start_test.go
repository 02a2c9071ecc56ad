package local

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/local/stack"
)

func TestFirstStart(t *testing.T) {
	t.Run("picture_uploaded_during_the_build_of_Temporal_is_annotated_after_it", func(t *testing.T) {
		dir := t.TempDir()
		unbuilt := stacktest.OpenUnbuilt(t.Context(), t, dir)
		unbuilt.Report(431, 1299)
		if got := readStart(t, unbuilt.Site); got.Ready || got.Building == nil || got.Building.Compiled != 431 || got.Building.Packages != 1299 {
			t.Errorf("during the build, /local/start is %+v", got)
		}
		g := uploadBeforeTemporal(t, unbuilt.Site, dir)
		s := unbuilt.Finish(t)
		if got := readStart(t, unbuilt.Site); !got.Ready {
			t.Errorf("after the build, /local/start is %+v", got)
		}
		followToAnnotated(t, siteclient.Site(s.Endpoints.Site), g)
	})
	for name, stop := range map[string]func(t *testing.T, u *stacktest.Unbuilt, interrupt func()){
		"failed_build": func(t *testing.T, u *stacktest.Unbuilt, _ func()) {
			err := u.Fail()
			for _, want := range []string{"no space left on device", "free disk space", "start again", "uploaded pictures wait"} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %v, want %q", err, want)
				}
			}
		},
		"Ctrl-C_during_the_build": func(t *testing.T, u *stacktest.Unbuilt, interrupt func()) {
			interrupt()
			if err := u.Wait(); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		},
	} {
		t.Run("picture_is_annotated_by_the_next_start_after_a_"+name, func(t *testing.T) {
			log := captureLog(t)
			dir := t.TempDir()
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			unbuilt := stacktest.OpenUnbuilt(ctx, t, dir)
			g := uploadBeforeTemporal(t, unbuilt.Site, dir)
			stop(t, unbuilt, interrupt)
			if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(unbuilt.Site, "http://"), time.Second); err == nil {
				conn.Close()
				t.Error("the site is still open")
			}
			if strings.Contains(log.String(), "function=trigger") {
				t.Errorf("the trigger was invoked before Temporal was ready:\n%s", log)
			}
			s := stacktest.Start(t, func(c *stack.Config) { c.Dir = dir })
			followToAnnotated(t, siteclient.Site(s.Endpoints.Site), g)
		})
	}
}

// uploadBeforeTemporal returns when the S3 event waits in the queue of the trigger.
func uploadBeforeTemporal(t *testing.T, site, dir string) siteclient.Grant {
	t.Helper()
	g, err := siteclient.Site(site).Upload(t.Context(), testenv.Portrait(t))
	if err != nil {
		t.Fatal(err)
	}
	if !stacktest.Eventually(t, func(context.Context) bool {
		undelivered, err := filepath.Glob(filepath.Join(dir, "s3", "outbox", "*.event"))
		return err == nil && len(undelivered) == 0
	}) {
		t.Fatal("Lambda has not accepted the event")
	}
	return g
}

// capturedLog is safe for concurrent use.
type capturedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

// captureLog captures the messages of the Lambda emulator, which runs in this process.
func captureLog(t *testing.T) *capturedLog {
	t.Helper()
	log, before := new(capturedLog), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return log
}

func (l *capturedLog) Write(message []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(message)
}

func (l *capturedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type startProgress struct {
	Ready    bool
	Building *struct{ Compiled, Packages int }
}

func readStart(t *testing.T, site string) (progress startProgress) {
	t.Helper()
	res, err := http.Get(site + "/local/start")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&progress); err != nil {
		t.Fatal(err)
	}
	return progress
}
