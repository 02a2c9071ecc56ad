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

// problem is an RFC 9457 error response. The cause is logged but not sent.
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

func clientError(status int, format string, args ...any) problem {
	return problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

func unavailable(retryAfter time.Duration, what string, cause error) problem {
	detail := what + ": try again in a few seconds."
	return problem{Status: http.StatusServiceUnavailable, Detail: detail, retryAfter: retryAfter, cause: cause}
}

func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := errors.AsType[problem](err)
	if !ok {
		const detail = "Something is wrong with this site, not with your request: try again later."
		p = problem{Status: http.StatusInternalServerError, Detail: detail, cause: err}
	}
	// Do not log an error that the client caused by disconnecting.
	if p.cause != nil && !errors.Is(r.Context().Err(), context.Canceled) {
		slog.ErrorContext(r.Context(), "request failed", "status", p.Status, "error", p)
	}
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeMethodNotAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	writeProblem(w, r, clientError(http.StatusMethodNotAllowed, "This address accepts only %s.", allow))
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // else & in a signed URL becomes \u0026
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("encoding the response: %w", err)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	w.Write(body.Bytes()) // fails only if the client disconnected
	return nil
}
