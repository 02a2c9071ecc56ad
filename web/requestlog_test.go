package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/telemetry"
)

func TestLogContainsThePictureIDButNotTheLinkID(t *testing.T) {
	for state, prepare := range map[string]func(*testing.T, *testSite){
		"unknown_picture":       func(*testing.T, *testSite) {},
		"running_workflow":      func(t *testing.T, s *testSite) { s.temporal.use(t, "annotate_running") },
		"unavailable_Cosmos_DB": func(_ *testing.T, s *testSite) { s.cosmos.SetFault(cosmosdb.Fault{Status: 503}) },
		"unavailable_Temporal":  func(_ *testing.T, s *testSite) { s.temporal.setDown(true) },
	} {
		t.Run(state, func(t *testing.T) {
			s := newTestSite(t, func(s *testSite) { s.timing.limit = 100 * time.Millisecond })
			prepare(t, s)
			log := captureLog(t)
			l := newTestLink(time.Now())
			path := "/api/pictures/" + l.id
			for _, request := range [][2]string{
				{"GET", path}, {"GET", path + "/image"}, {"GET", path + "/events"}, {"DELETE", path}, {"PATCH", path}, {"GET", path + "/unknown"},
			} {
				log.Reset()
				s.serve(request[0], request[1])
				if strings.Contains(log.String(), l.id) {
					t.Errorf("the log contains the link ID: %s", log)
				}
				known := request[1] != path+"/unknown" // an unknown address has no link
				if named := strings.Count(log.String(), "picture="+string(l.picture)); known && named != strings.Count(log.String(), "\n") {
					t.Errorf("%s: %d lines name the picture %s: %s", request[0], named, l.picture, log)
				}
			}
		})
	}
}

// serve calls the handler directly. Over HTTP, the response could arrive before the last log line.
func (s *testSite) serve(method, path string) *http.Response {
	w := httptest.NewRecorder()
	s.handler(bucketOrigin).ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Result()
}

func captureLog(t *testing.T) *bytes.Buffer {
	t.Helper()
	var log bytes.Buffer
	previous := slog.Default()
	slog.SetDefault(telemetry.NewLogger(&log, func(string) string { return "" }))
	t.Cleanup(func() { slog.SetDefault(previous) })
	return &log
}
