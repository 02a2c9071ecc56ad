package stack

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
)

// plugs are what the site's page brings the switches with, where it finds them.
//
//go:embed plugs.js plugs.css
var plugs embed.FS

// switchboard answers at /local/faults and /local/dead-letters, and serves the page's part of it. What it sets in motion goes on when its
// caller leaves, until ctx ends.
func (s *Stack) switchboard(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/local/faults":
			s.faults(ctx, w, r)
		case "/local/dead-letters":
			s.deadLetters(w, r)
		case "/local/plugs.js", "/local/plugs.css":
			http.ServeFileFS(w, r, plugs, path.Base(r.URL.Path))
		default:
			problem{http.StatusNotFound, "There is nothing here: the switches are at /local/faults."}.send(w)
		}
	})
}

// faults tells which are in force, after it has set the one that is asked for.
func (s *Stack) faults(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.started:
	default:
		w.Header().Set("Retry-After", "1")
		starting.send(w)
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		if p := s.throw(ctx, w, r); p != nil {
			p.send(w)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		problem{http.StatusMethodNotAllowed, "This address takes only GET and POST."}.send(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"faults": s.switches.all(), "temporalUI": s.Endpoints.TemporalUI})
}

// throw sets the switch that the body names, or returns why it does not.
func (s *Stack) throw(ctx context.Context, w http.ResponseWriter, r *http.Request) *problem {
	// A page of another site cannot send this type without asking first, and gets no answer to that.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, "Send the switch as application/json."}
	}
	var ask struct{ Cloud, Fault string }
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	body.DisallowUnknownFields()
	err := body.Decode(&ask)
	if err == nil {
		if _, err = body.Token(); err == io.EOF {
			err = nil
		} else if err == nil {
			err = fmt.Errorf("more follows")
		}
	}
	if err != nil {
		return &problem{http.StatusBadRequest, fmt.Sprintf(`Send {"cloud":"…","fault":"…"} and nothing else (%v).`, err)}
	}
	if why := s.refusal(ask.Cloud, ask.Fault); why != "" {
		return &problem{http.StatusBadRequest, why}
	}
	if err := s.setFault(ctx, ask.Cloud, ask.Fault); err != nil {
		return &problem{http.StatusServiceUnavailable, fmt.Sprintf("The switch could not be set: %v. Try again.", err)}
	}
	return nil
}
