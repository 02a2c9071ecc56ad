package fault

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// relay forwards TCP connections to a server. Unlike a Toxiproxy, it can disturb only the existing connections.
type relay struct {
	listener net.Listener

	mu    sync.Mutex
	conns []*relayed
}

type relayed struct {
	client, server net.Conn
	dropped        atomic.Bool
}

func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: ln}
	t.Cleanup(func() {
		ln.Close()
		r.close()
	})
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			r.forward(client, server)
		}
	}()
	return r
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) forward(client net.Conn, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		client.Close()
		return
	}
	c := &relayed{client: client, server: server}
	r.mu.Lock()
	r.conns = append(r.conns, c)
	r.mu.Unlock()
	go c.copy(server, client)
	go c.copy(client, server)
}

func (c *relayed) copy(to, from net.Conn) {
	defer c.close()
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if c.dropped.Load() {
			continue
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

func (c *relayed) close() {
	c.client.Close()
	c.server.Close()
}

// close closes the existing connections, as a server does with idle connections.
func (r *relay) close() { r.each((*relayed).close) }

// drop discards all further bytes of the existing connections without closing them, as a failed NAT gateway does.
func (r *relay) drop() { r.each(func(c *relayed) { c.dropped.Store(true) }) }

func (r *relay) each(do func(*relayed)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		do(c)
	}
}

// hasUnread reports whether a client has not yet read all bytes that the relay forwarded. It needs Linux, and otherwise
// returns false.
func (r *relay) hasUnread(t *testing.T) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return false
	}
	server := fmt.Sprintf("0100007F:%04X", r.listener.Addr().(*net.TCPAddr).Port)
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line) // sl local_address rem_address st tx_queue:rx_queue …
		if f[2] == server && !strings.HasSuffix(f[4], ":00000000") {
			return true
		}
	}
	return false
}
