// Package loopback protects endpoints on 127.0.0.1 from web pages in the developer's browser, and reserves ports. It does
// not protect them from other programs on the machine.
package loopback

import (
	"net"
	"net/http"
)

// Programs refuses requests that a web page could have sent: requests with an Origin header, and requests for a host that is
// neither localhost nor a loopback address. The latter prevents DNS rebinding, where a page's own host name resolves to
// 127.0.0.1.
func Programs(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		if r.Header.Get("Origin") != "" || host != "localhost" && !net.ParseIP(host).IsLoopback() {
			http.Error(w, "This endpoint serves only programs on this machine, at localhost or a loopback address", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}
