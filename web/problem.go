package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"triptych/picture"
)

// problem is an error as RFC 9457 has it. Detail is a sentence that tells the caller what to do; the
// cause is for the log alone.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	retryAfter time.Duration
	cause      error
}

func (p problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%s: %v", strings.TrimSuffix(p.Detail, "."), p.cause)
	}
	return p.Detail
}

func (p problem) Unwrap() error { return p.cause }

// refuse is a problem of the caller's making.
func refuse(status int, format string, args ...any) problem {
	return problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// unavailable is a problem of a cloud's: nothing is known for now, and nothing is made up.
func unavailable(cloud, consequence string, cause error) problem {
	return problem{
		Status: http.StatusServiceUnavailable, retryAfter: 2 * time.Second, cause: cause,
		Detail: cloud + " does not answer, so " + consequence + ": try again in a few seconds.",
	}
}

// answer writes err as a problem, and logs it once if it has a cause the caller is not shown.
func answer(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[problem](err)
	if !ok {
		p = problem{
			Status: http.StatusInternalServerError, cause: err,
			Detail: "Something is wrong with this site, not with your request: try again later.",
		}
	}
	if p.cause != nil && !errors.Is(r.Context().Err(), context.Canceled) {
		slog.Error("a request failed", "status", p.Status, "error", discreet(p, r.PathValue("id")))
	}
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	send(w, p.Status, "application/problem+json", p)
}

// discreet is what err says, without the picture ID that an SDK may have put into it.
func discreet(err error, id string) string {
	if id == "" {
		return err.Error()
	}
	return strings.ReplaceAll(err.Error(), id, picture.ID(id).Redacted())
}

// send writes v as JSON in one piece, with signed URLs as they are: to escape an & is for HTML.
func send(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil { // only a malformed json.RawMessage, a Record that someone else wrote
		slog.Error("an answer cannot be written as JSON", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	w.Write(body.Bytes()) // a caller who left does not mind
}
