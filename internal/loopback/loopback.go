// Package loopback runs HTTP servers on 127.0.0.1, protects their endpoints from web pages in the developer's browser, and
// reserves ports.
package loopback

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Refuse checks the Host header against DNS rebinding: a page cannot change the address of localhost. It checks
// the Origin header against pages of other sites.
func Refuse(r *http.Request, origins ...string) (reason string) {
	host := (&url.URL{Host: r.Host}).Hostname()
	if !strings.EqualFold(host, "localhost") && !net.ParseIP(host).IsLoopback() {
		return "This endpoint is only for this machine: use localhost or a loopback address"
	}
	for _, origin := range r.Header["Origin"] {
		if !slices.Contains(origins, origin) {
			return "This endpoint is not for pages of other sites"
		}
	}
	return ""
}

// RefuseBrowsers checks Sec-Fetch-Site because the request of an <img> has no Origin header.
func RefuseBrowsers(handler http.Handler) http.Handler {
	return guard(handler, func(r *http.Request) string {
		if r.Header.Get("Sec-Fetch-Site") != "" {
			return "This endpoint is not for browsers"
		}
		return Refuse(r)
	})
}

func SameOrigin(handler http.Handler) http.Handler {
	return guard(handler, func(r *http.Request) string { return Refuse(r, "http://"+r.Host) })
}

func guard(handler http.Handler, refuse func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if reason := refuse(r); reason != "" {
			http.Error(w, reason, http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// Listen refuses an address that other machines can reach, because the check of the Host header does not stop them.
func Listen(addr string) (net.Listener, error) {
	resolved, err := Resolve(addr)
	if err != nil {
		return nil, err
	}
	return net.ListenTCP("tcp", resolved)
}

// Resolve makes the same check for programs that open the listener themselves.
func Resolve(addr string) (*net.TCPAddr, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("finding the address to listen on: %w", err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("%s is not a loopback address, and this program is for this machine only: use 127.0.0.1", addr)
	}
	return resolved, nil
}

// Claim reserves a port for a program that starts after the caller has closed the listener. For a while, the kernel does
// not choose this port for listeners on port 0 (https://github.com/temporalio/cli/blob/v1.5.1/temporalcli/devserver/freeport.go).
func Claim(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := leaveTimeWait(ln); err != nil {
		ln.Close()
		return nil, fmt.Errorf("claiming port %s: %w", ln.Addr(), err)
	}
	return ln, nil
}

// FreeAddr claims a port and closes the listener. Another process can still take the port before the caller uses it.
func FreeAddr() (string, error) {
	ln, err := Claim("127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return ln.Addr().String(), ln.Close()
}

func leaveTimeWait(ln net.Listener) error {
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		return err
	}
	return server.Close() // TIME_WAIT is on the side that closes first
}
