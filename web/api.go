package main

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/client"
	"golang.org/x/time/rate"

	"triptych/internal/records"
	"triptych/internal/telemetry"
)

type api struct {
	config
	objects  *s3.Client
	records  *records.Container
	temporal client.Client
	timing   streamTiming
	stopping <-chan struct{} // closed when event streams must end

	countInterval rate.Sometimes // Temporal Cloud limits the rate of counts
	openWorkflows atomic.Int64   // 0 if Temporal did not respond, because uploads do not need Temporal
}

const cloudTimeout = 3 * time.Second // per call to Cosmos DB or Temporal; a request makes at most three

// An endpoint either writes a response or returns an error, never both.
type endpoint func(http.ResponseWriter, *http.Request) error

func (a *api) handler(bucketOrigin string) http.Handler {
	mux := http.NewServeMux()
	for pattern, methods := range map[string]map[string]endpoint{
		"/api/pictures":             {"POST": a.createGrant},
		"/api/pictures/{id}":        {"GET": a.withLink(a.getProgress), "DELETE": a.withLink(a.erase)},
		"/api/pictures/{id}/events": {"GET": a.withLink(a.streamProgress)},
		"/api/pictures/{id}/image":  {"GET": a.withLink(a.redirectToImage)},
		"/api/notice":               {"GET": constant(map[string]*int{"retentionDays": a.retentionDays})},
		"/healthz":                  {"GET": constant(map[string]string{"status": "ready"})},
	} {
		mux.Handle(pattern, a.byMethod(methods))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		writeProblem(w, r, clientError(http.StatusNotFound, "The API has nothing at this address."))
	})
	mux.Handle("/", siteHandler())
	headers := securityHeaders(bucketOrigin)
	return logRequests(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		mux.ServeHTTP(w, r)
	}))
}

func (a *api) byMethod(methods map[string]endpoint) http.Handler {
	if get := methods["GET"]; get != nil {
		methods["HEAD"] = get
	}
	allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if l, ok := a.parseLink(r.PathValue("id")); ok {
			*r = *r.WithContext(telemetry.WithPicture(r.Context(), l.picture)) // for logRequests too
		}
		endpoint := methods[r.Method]
		if endpoint == nil {
			writeMethodNotAllowed(w, r, allow)
			return
		}
		if err := endpoint(w, r); err != nil {
			writeProblem(w, r, err)
		}
	})
}

func (a *api) withLink(next func(http.ResponseWriter, *http.Request, link) error) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		l, ok := a.parseLink(r.PathValue("id"))
		if !ok {
			return clientError(http.StatusNotFound, "This address names no picture: use the ID that POST /api/pictures returned.")
		}
		return next(w, r, l)
	}
}

func constant(v any) endpoint {
	return func(w http.ResponseWriter, _ *http.Request) error {
		return writeJSON(w, http.StatusOK, "application/json", v)
	}
}
