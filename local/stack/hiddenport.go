package stack

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"

	"triptych/internal/loopback"
	"triptych/local/supervisor"
)

// HiddenPorts protect programs that do not check the Host header: browsers refuse these ports
// (https://fetch.spec.whatwg.org/#port-blocking).
var HiddenPorts = []int{6665, 6666, 6667, 6668, 6669, 6697, 10080, 6566, 4045, 3659, 1719, 1720, 1723, 5060, 5061, 2049, 6000}

func (s *Stack) hiddenPort() (int, error) {
	cache, err := supervisor.CacheDir()
	if err != nil {
		return 0, err
	}
	for _, port := range HiddenPorts {
		lock, err := supervisor.TryLock(filepath.Join(cache, fmt.Sprintf("port-%d.lock", port)))
		if errors.Is(err, syscall.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return 0, err
		}
		ln, err := loopback.Claim(loopbackAddr(port))
		if err != nil {
			lock.Close()
			continue
		}
		s.closers = append(s.closers, lock.Close)
		return port, ln.Close()
	}
	ln, err := loopback.Claim("127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	port := ln.Addr().(*net.TCPAddr).Port
	fmt.Fprintf(s.config.Output, "All ports that browsers refuse are in use, so a web page could reach port %d: stop other local pipelines\n", port)
	return port, ln.Close()
}

func loopbackAddr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
