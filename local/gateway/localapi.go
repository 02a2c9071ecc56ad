package gateway

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
)

//go:embed plugs.js plugs.css start.js
var pageFiles embed.FS

func (g *Gateway) localAPI(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch r.URL.Path {
		case "/local/faults":
			g.serveFaults(ctx, w, r)
		case "/local/start":
			g.serveStart(w)
		case "/local/dead-letters":
			g.serveDeadLetters(w, r)
		case "/local/plugs.js", "/local/plugs.css", "/local/start.js":
			http.ServeFileFS(w, r, pageFiles, path.Base(r.URL.Path))
		default:
			problem{http.StatusNotFound, "There is nothing here: the fault switches are at /local/faults."}.send(w)
		}
	})
}

func (g *Gateway) serveStart(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ready": g.isReady(), "building": g.Building()})
}

func (g *Gateway) isReady() bool {
	select {
	case <-g.Ready:
		return true
	default:
		return false
	}
}

func (g *Gateway) serveFaults(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	if !g.isReady() {
		reason := starting
		if g.Building() != nil {
			reason = buildingTemporal
		}
		sendUnavailable(w, reason)
		return
	}
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		if p := g.setFault(ctx, w, r); p != nil {
			p.send(w)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		problem{http.StatusMethodNotAllowed, "This address takes only GET and POST."}.send(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"faults": g.Switches.Current(), "temporalUI": g.TemporalUI})
}

func (g *Gateway) setFault(ctx context.Context, w http.ResponseWriter, r *http.Request) *problem {
	// A page of another site cannot send application/json without a CORS preflight request, which the gateway rejects.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &problem{http.StatusUnsupportedMediaType, "Send the fault as application/json."}
	}
	var request struct{ Cloud, Fault string }
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10))
	body.DisallowUnknownFields()
	err := body.Decode(&request)
	if err == nil {
		if _, err = body.Token(); err == nil {
			err = errors.New("unexpected data after the object")
		} else if err == io.EOF {
			err = nil
		}
	}
	if err != nil {
		return &problem{http.StatusBadRequest, fmt.Sprintf(`Send {"cloud":"…","fault":"…"} and nothing else (%v).`, err)}
	}
	if reason := g.Switches.reasonToRefuse(request.Cloud, request.Fault); reason != "" {
		return &problem{http.StatusBadRequest, reason}
	}
	if err := g.Switches.set(ctx, request.Cloud, request.Fault); err != nil {
		return &problem{http.StatusServiceUnavailable, fmt.Sprintf("The fault could not be set: %v. Try again.", err)}
	}
	return nil
}

func (g *Gateway) serveDeadLetters(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		problem{http.StatusMethodNotAllowed, "POST delivers the dead letters again."}.send(w)
		return
	}
	n, err := g.Redrive()
	if err != nil {
		problem{http.StatusInternalServerError, err.Error()}.send(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]int{"delivered": n})
}
