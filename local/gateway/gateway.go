// Package gateway serves the site on a developer's machine: the fault switches under /local/, and the web program
// under all other paths.
package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Gateway contains the configuration of Handler.
type Gateway struct {
	Web        string // host:port of the web program
	Port       string // of the site's address
	TemporalUI string // URL; "" if there is none
	Switches   *Switches
	Ready      <-chan struct{}     // closed when Switches can be used
	Redrive    func() (int, error) // delivers the dead letters again and returns their number
}

// A request that sets a fault is completed even if its client disconnects. Only the end of ctx stops it.
func (g *Gateway) Handler(ctx context.Context) http.Handler {
	local, proxy := g.ownPageOnly(g.localAPI(ctx)), newProxy(g.Web)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/local/") {
			local.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

func newProxy(web string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// Rewrite only the address of the connection. The web program checks the Host header and the query, so
			// leave both unchanged.
			r.Out.URL.Scheme, r.Out.URL.Host = "http", web
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		FlushInterval: -1, // forward each server-sent event immediately
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { sendStarting(w) },
	}
}

// ownPageOnly checks the Host header because of DNS rebinding, in which the domain of another site resolves to this
// machine.
func (g *Gateway) ownPageOnly(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !isLoopback((&url.URL{Host: r.Host}).Hostname()) {
			problem{http.StatusForbidden, "The switches are only for this machine: use the site at its loopback address."}.send(w)
			return
		}
		for _, origin := range r.Header.Values("Origin") {
			from, err := url.Parse(origin)
			if err != nil || from.Scheme != "http" || !isLoopback(from.Hostname()) || cmp.Or(from.Port(), "80") != g.Port {
				problem{http.StatusForbidden, "The switches are only for the site's own page."}.send(w)
				return
			}
		}
		handler.ServeHTTP(w, r)
	})
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

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

func sendStarting(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	problem{http.StatusServiceUnavailable, "The site is starting: try again in a second."}.send(w)
}
