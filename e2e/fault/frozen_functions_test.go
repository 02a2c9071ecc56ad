package fault

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/lambda/runtimeapi"
	"triptych/picture"
)

// A function sends no keep-alives while Lambda freezes it. When it is thawed later than its Temporal client's
// KeepAliveTime, the client sends a ping (keepalive in google.golang.org/grpc/internal/transport/http2_client.go).
const keepAliveTime = 30 * time.Second // defaultKeepAliveTime in go.temporal.io/sdk v1.50.0

var frozenFunctions = slices.Concat(
	whileFrozen("servers_closed_its_connections", (*relay).close),
	whileFrozen("network_dropped_its_connections", func(r *relay) {
		r.drop()
		time.Sleep(keepAliveTime + time.Second) // nothing happens at the end of KeepAliveTime that the test could wait for
	}),
)

func whileFrozen(name string, disturb func(*relay)) []faultCase {
	return []faultCase{
		{name: "trigger_starts_the_next_picture_although_the_" + name + "_while_it_was_frozen", run: func(t *testing.T, s *suite) {
			f := s.startFunction(t, "trigger", 30*time.Second)
			api := httptest.NewServer(f.Host)
			t.Cleanup(api.Close)
			const functionPath = "/2015-03-31/functions/trigger/invocations"
			startNext := func() {
				t.Helper()
				p := s.uploadWithoutEvent(t)
				testenv.Invoke(t, api.URL+functionPath, testenv.S3Event(t, p.LatestVersion(t, p.ID)))
				p.awaitOutcome(t, annotated)
			}
			startNext()
			pid := f.awaitFrozen(t)
			for f.temporal.hasUnread(t) { // unread bytes would count as activity after the thaw, and delay the ping
				testenv.Invoke(t, api.URL+functionPath, []byte(`{"Event":"s3:TestEvent"}`)) // does not use Temporal
				f.awaitFrozen(t)
			}
			disturb(f.temporal)
			startNext()
			f.checkProcess(t, pid)
		}},
		{name: "web_shows_the_next_picture_although_the_" + name + "_while_it_was_frozen", run: func(t *testing.T, s *suite) {
			f := s.startFunction(t, "web", 75*time.Second)
			site := httptest.NewServer(f.URL())
			t.Cleanup(site.Close)
			p, next := s.newStubbedPicture(t), s.newStubbedPicture(t)
			p.upload(t)
			next.upload(t)
			p.awaitOutcome(t, annotated)
			next.awaitOutcome(t, annotated)
			show := func(p *testPicture) {
				t.Helper()
				final, err := siteclient.Site(site.URL).Follow(testenv.Context(t), p.Link, func(picture.Progress) {})
				if err != nil || final.Status != picture.Annotated {
					t.Errorf("the site shows %s, %v", final.Status, err)
				}
			}
			show(p)
			pid := f.awaitFrozen(t)
			f.cosmos.close()
			disturb(f.temporal)
			show(next)
			f.checkProcess(t, pid)
		}},
	}
}

type function struct {
	*runtimeapi.Host
	temporal, cosmos *relay
}

func (s *suite) startFunction(t *testing.T, name string, timeout time.Duration) function {
	t.Helper()
	f := function{temporal: newRelay(t, s.Endpoints.Temporal), cosmos: newRelay(t, strings.TrimPrefix(s.Endpoints.Cosmos, "http://"))}
	f.Host = stacktest.RunLambda(t, runtimeapi.Config{
		Name: name, Bootstrap: s.Executable(name), Timeout: timeout,
		Env: append(s.Environment(), "TEMPORAL_ADDRESS="+f.temporal.address(), "COSMOS_ENDPOINT=http://"+f.cosmos.address()),
	})
	return f
}

func (f function) awaitFrozen(t *testing.T) (pid int) {
	t.Helper()
	if !stacktest.Eventually(t, func(context.Context) bool { return len(f.FrozenPIDs()) == 1 }) {
		t.Fatalf("frozen processes %v, want one", f.FrozenPIDs())
	}
	return f.FrozenPIDs()[0]
}

// checkProcess fails if the emulator had to start a new process.
func (f function) checkProcess(t *testing.T, pid int) {
	t.Helper()
	if next := f.awaitFrozen(t); next != pid {
		t.Errorf("process %d ran after the freeze, want %d", next, pid)
	}
}
