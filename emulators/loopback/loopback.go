// Package loopback protects endpoints on 127.0.0.1 from web pages in the developer's browser, and reserves ports.
package loopback

import (
	"fmt"
	"net"
	"net/http"
)

// Programs returns a handler for programs, not for web pages. It refuses a request that has an Origin header. Against
// DNS rebinding, it also refuses a Host that is neither localhost nor a loopback address.
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

// Claim listens on addr and leaves a connection in the state TIME_WAIT. Even after the listener is closed, the system
// therefore does not assign the port to a program that asks for port 0. See
// https://github.com/temporalio/cli/blob/v1.5.1/temporalcli/devserver/freeport.go
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
