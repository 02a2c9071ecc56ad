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

// api implements the endpoints under /api/. Its clients connect on first use.
type api struct {
	bucket        string
	eraseSecret   []byte
	retentionDays *int // nil: pictures are stored until they are erased
	objects       *s3.Client
	records       *records.Container
	temporal      client.Client
	timing        streamTiming
	stopping      <-chan struct{} // closed when event streams must end
}

// cloudTimeout limits each call to a cloud. It is so short that even a request with two calls in sequence ends before
// the Lambda times out.
const cloudTimeout = 3 * time.Second

// endpoint is a function that handles one method of one route. If it returns an error, it must not have written to the
// response, because its caller then writes the error as an RFC 9457 problem.
type endpoint func(http.ResponseWriter, *http.Request) error

// handler returns the handler of the whole site: the API and the page's files, with the security headers.
func (a *api) handler(bucketOrigin string) http.Handler {
	mux := http.NewServeMux()
	routes := map[string]map[string]endpoint{
		"/api/pictures":             {"POST": a.createGrant},
		"/api/pictures/{id}":        {"GET": a.getProgress, "DELETE": a.erase},
		"/api/pictures/{id}/events": {"GET": a.streamProgress},
		"/api/pictures/{id}/image":  {"GET": a.redirectToImage},
		"/api/notice":               {"GET": a.getPageConfig},
		"/healthz":                  {"GET": getHealth},
	}
	for pattern, methods := range routes {
		mux.Handle(pattern, byMethod(methods))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		writeProblem(w, r, clientError(http.StatusNotFound, "The API has nothing at this address: see the README for its endpoints."))
	})
	mux.Handle("/", siteHandler())
	return logRequests(withHeaders(securityHeaders(bucketOrigin), mux))
}

// byMethod returns a handler that passes each request to the endpoint of its method. HEAD is handled as GET; other
// methods get status 405. No response of the API may be cached. verifyBody runs before the endpoint, so that an
// endpoint reads only verified bodies.
func byMethod(methods map[string]endpoint) http.Handler {
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
			writeProblem(w, r, clientError(http.StatusMethodNotAllowed, "This address accepts only %s.", allow))
			return
		}
		err := verifyBody(r)
		if err == nil {
			err = endpoint(w, r)
		}
		if err != nil {
			writeProblem(w, r, err)
		}
	})
}

// pictureID returns the picture ID in the request's path.
func pictureID(r *http.Request) (picture.ID, error) {
	id, err := picture.ParseID(r.PathValue("id"))
	if err != nil {
		return "", clientError(http.StatusNotFound, "This address names no picture: use the ID that POST /api/pictures returned.")
	}
	return id, nil
}

func getHealth(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
	return nil
}
