package main

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/client"

	"triptych/internal/records"
	"triptych/picture"
)

// api answers under /api/. Its clients connect when they are first used.
type api struct {
	bucket        string
	eraseSecret   []byte
	retentionDays *int // nil: kept until erased
	objects       *s3.Client
	records       *records.Container
	temporal      client.Client
	pace          pace
	stopping      <-chan struct{} // closed when event streams must end
}

// cloudTimeout bounds each call to a cloud, well inside a Lambda's own limit and a person's.
const cloudTimeout = 3 * time.Second

// endpoint answers a request, or returns why it does not.
type endpoint func(http.ResponseWriter, *http.Request) error

// handler is the whole site: the API, the page and its headers.
func (a *api) handler(bucketOrigin string) http.Handler {
	mux := http.NewServeMux()
	routes := map[string]map[string]endpoint{
		"/api/pictures":             {"POST": a.grant},
		"/api/pictures/{id}":        {"GET": a.show, "DELETE": a.erase},
		"/api/pictures/{id}/events": {"GET": a.events},
		"/api/pictures/{id}/image":  {"GET": a.image},
		"/api/notice":               {"GET": a.notice},
		"/healthz":                  {"GET": healthy},
	}
	for pattern, methods := range routes {
		mux.Handle(pattern, dispatch(methods))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		answer(w, r, refuse(http.StatusNotFound, "There is nothing at this address of the API: see README for what there is."))
	})
	mux.Handle("/", pages())
	return observe(withHeaders(securityHeaders(bucketOrigin), mux))
}

// dispatch answers by method, HEAD as GET, and everything else with what is allowed. No answer of the API
// may be kept by a cache, and no body is believed before its hash was checked.
func dispatch(methods map[string]endpoint) http.Handler {
	var allowed []string
	for method := range methods {
		allowed = append(allowed, method)
	}
	if methods["GET"] != nil {
		methods["HEAD"] = methods["GET"]
		allowed = append(allowed, "HEAD")
	}
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		endpoint := methods[r.Method]
		if endpoint == nil {
			w.Header().Set("Allow", allow)
			answer(w, r, refuse(http.StatusMethodNotAllowed, "This address takes only %s.", allow))
			return
		}
		err := verifyBody(r)
		if err == nil {
			err = endpoint(w, r)
		}
		if err != nil {
			answer(w, r, err)
		}
	})
}

// pictureID is the picture the address names.
func pictureID(r *http.Request) (picture.ID, error) {
	id, err := picture.ParseID(r.PathValue("id"))
	if err != nil {
		return "", refuse(http.StatusNotFound, "The address names no picture: a picture's ID is what POST /api/pictures answered.")
	}
	return id, nil
}

func healthy(w http.ResponseWriter, _ *http.Request) error {
	send(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
	return nil
}
