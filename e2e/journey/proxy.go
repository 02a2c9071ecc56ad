package journey

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"
	"testing"
)

type faultProxy struct {
	*httptest.Server
	handler atomic.Value // of type handler
}

// A handler reports whether it answered the request. A panic with http.ErrAbortHandler resets the connection.
type handler func(http.ResponseWriter, *http.Request) bool

func startFaultProxy(t *testing.T) *faultProxy {
	t.Helper()
	p := &faultProxy{}
	p.intercept(nil)
	forward := &httputil.ReverseProxy{
		Rewrite:  func(*httputil.ProxyRequest) {},
		ErrorLog: log.New(io.Discard, "", 0), // pages that are closed abort their requests
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handle := p.handler.Load().(handler); handle != nil && handle(w, r) {
			return
		}
		if ip := net.ParseIP(r.URL.Hostname()); !ip.IsLoopback() { // updates of the browser
			http.Error(w, "outside of the test", http.StatusForbidden)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func (p *faultProxy) intercept(handle handler) { p.handler.Store(handle) }
