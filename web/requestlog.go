package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// logRequests logs the route instead of the URL, which contains the link ID. It also recovers from panics.
func logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		recorder := &statusRecorder{ResponseWriter: w, discardBody: r.Method == http.MethodHead}
		defer func() {
			if v := recover(); v != nil {
				slog.ErrorContext(r.Context(), "handler panicked", "error", fmt.Sprint(v), "stack", string(debug.Stack()))
				if recorder.status == 0 {
					writeProblem(recorder, r, nil) // status 500; the cause is already logged
				}
			}
			slog.InfoContext(r.Context(), "request", "method", r.Method, "route", r.Pattern, "status", recorder.status, "duration", time.Since(began))
		}()
		next.ServeHTTP(recorder, r)
	})
}

// statusRecorder discards the body of the response to a HEAD request, because lambdaurl does not.
type statusRecorder struct {
	http.ResponseWriter
	status      int // 0 until the header is written
	discardBody bool
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *statusRecorder) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.WriteHeader(http.StatusOK)
	}
	if s.discardBody {
		return len(p), nil
	}
	return s.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }
