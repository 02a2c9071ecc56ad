package main

import "net"

// acceptHealthChecks sends nothing: the accepted connection is the answer.
func acceptHealthChecks(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // the listener is closed
		}
		c.Close()
	}
}
