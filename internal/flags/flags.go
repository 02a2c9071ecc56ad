// Package flags parses the command line of programs that take flags only.
package flags

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Parse ends the program with status 2 if the command line has an argument, or one of the flags `filled` without a value.
func Parse(filled ...string) {
	flag.Parse()
	flag.Visit(func(f *flag.Flag) {
		if slices.Contains(filled, f.Name) && f.Value.String() == "" {
			fail("-%s needs a value", f.Name)
		}
	})
	if flag.NArg() > 0 {
		fail("unexpected argument %q", flag.Arg(0))
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s; see -h\n", filepath.Base(os.Args[0]), fmt.Sprintf(format, args...))
	os.Exit(2)
}
