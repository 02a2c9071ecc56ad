package loopback_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"

	"triptych/emulators/loopback"
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
	t.Run("is_kept_from_who_asks_for_any_port", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("elsewhere ports are given out one after the other")
		}
		connections, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Fatal(err)
		}
		waits := false
		for line := range strings.Lines(string(connections)) {
			fields := strings.Fields(line) // number, own address, other's address, state
			waits = waits || strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", addr.Port)) && fields[3] == "06"
		}
		if !waits {
			t.Errorf("nothing waits at %s:\n%s", addr, connections)
		}
	})
	t.Run("is_given_to_who_names_it_and_to_nobody_then", func(t *testing.T) {
		ln, err := loopback.Claim(addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if second, err := loopback.Claim(addr.String()); err == nil {
			second.Close()
			t.Error("it was claimed twice")
		}
	})
}
