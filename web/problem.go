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
)

// problem is an error response in the format of RFC 9457. Detail tells the caller what to do. The cause is written to
// the log but not to the response.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	retryAfter time.Duration // 0: no Retry-After header
	cause      error
}

func (p problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%s: %v", strings.TrimSuffix(p.Detail, "."), p.cause)
	}
	return p.Detail
}

func (p problem) Unwrap() error { return p.cause }

// clientError returns a problem response for an error in the request, which the caller must correct.
func clientError(status int, format string, args ...any) problem {
	return problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// unavailable returns a problem response for a cloud that did not respond. consequence states what web could not do for
// that reason.
func unavailable(cloud, consequence string, cause error) problem {
	return problem{
		Status: http.StatusServiceUnavailable, retryAfter: 2 * time.Second, cause: cause,
		Detail: cloud + " does not answer, so " + consequence + ": try again in a few seconds.",
	}
}

// internalError returns a problem response for an error that the caller cannot influence.
func internalError(cause error) problem {
	return problem{
		Status: http.StatusInternalServerError, cause: cause,
		Detail: "Something is wrong with this site, not with your request: try again later.",
	}
}

// writeProblem writes err as an RFC 9457 problem. The response does not contain the cause of err, so writeProblem logs
// the cause. It logs nothing if the client has disconnected, because the cause is then often only the cancelled
// request.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[problem](err)
	if !ok {
		p = internalError(err)
	}
	if p.cause != nil && !errors.Is(r.Context().Err(), context.Canceled) {
		slog.Error("request failed", "status", p.Status, "error", error(p))
	}
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

// writeJSON encodes v before it writes anything, so that an encoding error can still be reported as status 500. HTML
// escaping is off: it would turn each & of a signed URL into \u0026.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil { // possible only if another program wrote a malformed annotation into a Record
		slog.Error("response cannot be encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	w.Write(body.Bytes()) // fails only if the client disconnected
}
