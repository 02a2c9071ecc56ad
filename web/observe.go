package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"triptych/picture"
)

// observe logs each request by its route, never by its URL, and turns a panic into a problem: in a Lambda
// nothing else would catch it.
func observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		seen := &observed{ResponseWriter: w, bodiless: r.Method == http.MethodHead}
		defer func() {
			if v := recover(); v != nil {
				slog.Error("a handler panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				if seen.status == 0 {
					answer(seen, r, problem{
						Status: http.StatusInternalServerError,
						Detail: "Something is wrong with this site, not with your request: try again later.",
					})
				}
			}
			attrs := []any{"method", method(r), "route", r.Pattern, "status", seen.status, "duration", time.Since(began)}
			if id, err := picture.ParseID(r.PathValue("id")); err == nil {
				attrs = append(attrs, "picture", id.Redacted())
			}
			slog.Info("request", attrs...)
		}()
		next.ServeHTTP(seen, r)
	})
}

// method keeps a method that someone made up out of the log.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodPut, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// observed remembers the status, and drops the body of an answer to HEAD, which net/http does by itself
// and lambdaurl does not.
type observed struct {
	http.ResponseWriter
	status   int
	bodiless bool
}

func (o *observed) WriteHeader(status int) {
	if o.status == 0 {
		o.status = status
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(p []byte) (int, error) {
	if o.status == 0 {
		o.WriteHeader(http.StatusOK)
	}
	if o.bodiless {
		return len(p), nil
	}
	return o.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }
