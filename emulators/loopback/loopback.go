// Package loopback keeps the endpoints of the local parts to programs of this machine, and finds ports for them. A page
// in the developer's browser can send requests here too; it cannot hide that it is a page, nor the name it was led here by.
package loopback

import (
	"net"
	"net/http"
)

// Programs refuses what a page could have sent: requests with an Origin, and those for a name that is not a loopback
// address, to which a page's own name may have been pointed.
func Programs(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		if r.Header.Get("Origin") != "" || !net.ParseIP(host).IsLoopback() {
			http.Error(w, "this endpoint is for programs of this machine, at its loopback address", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}
