// Package gateway serves the site on a developer's machine: the fault switches under /local/, and the web program
// under all other paths. It refuses and times out requests as CloudFront does. Like `make deploy`, it minifies the page.
package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"triptych/internal/loopback"
)

// Gateway contains the configuration of Handler.
type Gateway struct {
	Web        string // host:port of the web program
	TemporalUI string // URL; "" if there is none
	Switches   *Switches
	Ready      <-chan struct{}     // closed when Switches can be used
	Building   func() *Build       // of the Temporal server; returns nil if it was built before
	Redrive    func() (int, error) // delivers the dead letters again and returns their number

	readTimeout time.Duration // OriginReadTimeout if it is 0; tests set a shorter one
}

// Build is the progress of a build. Both numbers are 0 until they are known.
type Build struct {
	Compiled int `json:"compiled"`
	Packages int `json:"packages"`
}

const (
	starting         = "The site is starting: try again in a second."
	buildingTemporal = "Temporal is still being built: try again when `go run ./local` prints that it is ready."
)

// Handler completes a POST to /local/faults even if the client disconnects. Only the end of ctx cancels it.
func (g *Gateway) Handler(ctx context.Context) http.Handler {
	local, proxy := g.localAPI(ctx), cloudFront(g.proxyWeb())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := loopback.Refuse(r, "http://"+r.Host); reason != "" {
			problem{http.StatusForbidden, reason + "."}.send(w)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/local/") {
			local.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// TemporalUI checks the Host header, because Temporal's Web UI does not.
func TemporalUI(addr string) http.Handler {
	return loopback.SameOrigin(newProxy(addr, "Temporal does not answer. The site shows whether it is still being built. Otherwise, end its fault there, or try again in a second."))
}

func (g *Gateway) proxyWeb() http.Handler {
	proxy := newProxy(g.Web, starting)
	proxy.ModifyResponse = publishFile
	proxy.Transport = originTimeout{proxy.Transport, cmp.Or(g.readTimeout, OriginReadTimeout)}
	forward, unavailable := proxy.Rewrite, proxy.ErrorHandler
	proxy.Rewrite = func(r *httputil.ProxyRequest) {
		forward(r)
		viewer, _, _ := net.SplitHostPort(r.In.RemoteAddr)
		rewriteHeaders(r.Out.Header, viewer)
		requestWholeFile(r.Out)
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		if errors.Is(err, errOriginSilent) {
			sendCloudFrontError(w, http.StatusGatewayTimeout, "CloudFront attempted to establish a connection with the origin, but either the attempt failed or the origin closed the connection.")
			return
		}
		unavailable(w, r, err)
	}
	return proxy
}

func newProxy(addr, unreachable string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// Rewrite only the address of the connection. The web program checks the Host header and the query, so
			// leave both unchanged.
			r.Out.URL.Scheme, r.Out.URL.Host = "http", addr
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		FlushInterval: -1, // forward each server-sent event immediately
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { sendUnavailable(w, unreachable) },
	}
}

// problem is an RFC 9457 error response.
type problem struct {
	status int
	detail string // tells the user what to do
}

func (p problem) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status)
	json.NewEncoder(w).Encode(map[string]any{ // fails only if the client disconnected
		"type": "about:blank", "title": http.StatusText(p.status), "status": p.status, "detail": p.detail,
	})
}

func sendUnavailable(w http.ResponseWriter, detail string) {
	w.Header().Set("Retry-After", "1")
	problem{http.StatusServiceUnavailable, detail}.send(w)
}
