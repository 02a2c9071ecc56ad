// Package gateway serves the site's address on a developer's machine and forwards requests to the web program. Only
// the site's own page and programs on this machine may send requests under /local/.
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

// Handler returns the HTTP handler for the site's address. If a client disconnects while the handler sets a fault for
// it, the handler continues. It stops only when ctx ends.
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

// newProxy forwards requests to the web program.
func newProxy(web string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// The Host header and the query stay unchanged, because the web program checks both.
			r.Out.URL.Scheme, r.Out.URL.Host = "http", web
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		FlushInterval: -1, // forward each server-sent event immediately
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { sendStarting(w) },
	}
}

// ownPageOnly rejects a request if its Origin header names another site, or if its Host header is not a loopback
// address. The check of the Host header protects against DNS rebinding. In this attack, the domain of another site
// resolves to this machine, and the Host header contains that domain.
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

// problem is an error response (RFC 9457). Its detail tells the user what to do.
type problem struct {
	status int
	detail string
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
