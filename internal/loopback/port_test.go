package loopback_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"triptych/internal/loopback"
)

func TestClaim(t *testing.T) {
	claimed, err := loopback.Claim("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := claimed.Addr().(*net.TCPAddr)
	if err := claimed.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("claimed_port_is_in_TIME_WAIT_after_it_is_closed", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("other systems select ports in ascending order")
		}
		connections, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Fatal(err)
		}
		timeWait := false
		for line := range strings.Lines(string(connections)) {
			fields := strings.Fields(line) // number, local address, remote address, state
			timeWait = timeWait || strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", addr.Port)) && fields[3] == "06"
		}
		if !timeWait {
			t.Errorf("no connection of %s is in TIME_WAIT:\n%s", addr, connections)
		}
	})
	t.Run("claimed_port_can_be_claimed_by_number_once", func(t *testing.T) {
		ln, err := loopback.Claim(addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if second, err := loopback.Claim(addr.String()); err == nil {
			second.Close()
			t.Error("the second Claim succeeded")
		}
	})
}

func TestListen(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		t.Run(addr+"_is_accepted", func(t *testing.T) {
			ln, err := loopback.Listen(addr)
			if err != nil {
				t.Fatal(err)
			}
			ln.Close()
		})
	}
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "127.0.0.1"} {
		t.Run(addr+"_is_refused", func(t *testing.T) {
			if ln, err := loopback.Listen(addr); err == nil {
				ln.Close()
				t.Errorf("listens on %s", ln.Addr())
			}
		})
	}
}
