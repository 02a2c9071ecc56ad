package stack

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

// starting is what a visitor gets while web is being started, or started again.
var starting = problem{http.StatusServiceUnavailable, "The site is just being started: try again in a second."}

// siteHandler is what answers on the site's address: web, which is passed everything as it came, and under /local/
// what only exists on one machine.
func siteHandler(web string, local http.Handler) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// The Host, which stays, and the query are web's to judge.
			r.Out.URL.Scheme, r.Out.URL.Host = "http", web
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		FlushInterval: -1, // each event of a stream at once
		ErrorLog:      log.New(io.Discard, "", 0),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) {
			w.Header().Set("Retry-After", "1")
			starting.send(w)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/local/") {
			local.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// startSite answers on the site's address until ctx ends.
func (s *Stack) startSite(ctx context.Context) {
	_, port, _ := net.SplitHostPort(s.config.Addr)
	local := sameSite(port, s.switchboard(ctx))
	s.answer(ctx, "site", s.site, siteHandler(s.identity.addr("web"), local))
}

// sameSite refuses what a page of another site could have a browser send: requests for a name that was pointed here,
// and those that say that they come from elsewhere. A program says nothing of where it comes from.
func sameSite(port string, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !isLoopback((&url.URL{Host: r.Host}).Hostname()) {
			problem{http.StatusForbidden, "The switches are only for this machine: use the site at its loopback address."}.send(w)
			return
		}
		for _, origin := range r.Header.Values("Origin") {
			from, err := url.Parse(origin)
			if err != nil || from.Scheme != "http" || !isLoopback(from.Hostname()) || cmp.Or(from.Port(), "80") != port {
				problem{http.StatusForbidden, "The switches are only for the site's own page."}.send(w)
				return
			}
		}
		handler.ServeHTTP(w, r)
	})
}

func isLoopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// problem is an error as RFC 9457 has it, with a sentence that says what to do.
type problem struct {
	status int
	detail string
}

func (p problem) send(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status)
	json.NewEncoder(w).Encode(map[string]any{ // a caller who left does not mind
		"type": "about:blank", "title": http.StatusText(p.status), "status": p.status, "detail": p.detail,
	})
}
