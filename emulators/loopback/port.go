package loopback

import (
	"fmt"
	"net"
)

// Claim listens on addr; port 0 selects a free port. After the listener is closed, the system does not select this port for
// port 0 for about a minute, so another program can be started that listens on it. Claim achieves this by closing a
// connection on the listener's side, which leaves the port in the state TIME_WAIT. The Temporal CLI does the same on Linux:
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

// leaveTimeWait opens a connection to ln and closes it on the side of ln first.
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
	return server.Close()
}
