// Package fault breaks the wholeStack in every way that is known, and wants each picture to end all the same in exactly
// one Record, with no run left open, and Google paid no more often than it must be. The programs are the ones that are
// deployed; a status code comes from the local clouds' own switches, what breaks on the wire from a Toxiproxy between
// the worker and them.
//
//	go test ./local/... -run Fault                       # the quick half
//	TRIPTYCH_FAULTS=all go test ./local/... -run Fault   # with those that have to wait for a real clock
package fault

import (
	"flag"
	"os"
	"slices"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	parallel := flag.Lookup("test.parallel") // a case waits far more than it computes
	if err := parallel.Value.Set("12"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// fault is one way to break the wholeStack, named by what comes of it.
type fault struct {
	name string
	slow bool // waits for a clock, so it is not in the quick half
	run  func(*testing.T, *wholeStack)
}

func TestFault(t *testing.T) {
	all := os.Getenv("TRIPTYCH_FAULTS") == "all"
	p := start(t)
	// What breaks a program or a wire hits every picture on its way, a sweep finds every one: each of these is alone …
	for _, f := range slices.Concat(kills, wires, sweeps, large, expiries) {
		if all || !f.slow {
			t.Run(f.name, func(t *testing.T) { f.run(t, p) })
		}
	}
	// … and these, which begin after, each break one picture.
	for _, f := range slices.Concat(inputs, google(), azure(), objects, erasures, notices) {
		if all || !f.slow {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				f.run(t, p)
			})
		}
	}
}
