package loopback

import (
	"fmt"
	"net"
)

// Claim listens on addr, whose port may be 0 for any. Once that is closed, the port is still kept for a minute from
// whoever asks for any, so that a program started meanwhile can be told to listen there: a connection to it, closed at
// its own end first, waits that long for what may come late, and only who names the port gets it. So does the Temporal
// CLI, on Linux: https://github.com/temporalio/cli/blob/v1.5.1/temporalcli/devserver/freeport.go
func Claim(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := touch(ln); err != nil {
		ln.Close()
		return nil, fmt.Errorf("claiming port %s: %w", ln.Addr(), err)
	}
	return ln, nil
}

func touch(ln net.Listener) error {
	near, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		return err
	}
	defer near.Close()
	far, err := ln.Accept()
	if err != nil {
		return err
	}
	return far.Close()
}
