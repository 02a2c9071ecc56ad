// Package flags parses the command line of programs that take flags only.
package flags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Parse ends the program with status 2 if the command line has a positional argument, or if one of the flags `nonEmpty` is set to "".
func Parse(nonEmpty ...string) {
	flag.Parse()
	flag.Visit(func(f *flag.Flag) {
		if slices.Contains(nonEmpty, f.Name) && f.Value.String() == "" {
			fail("-%s needs a value", f.Name)
		}
	})
	if flag.NArg() > 0 {
		fail("unexpected argument %q", flag.Arg(0))
	}
}

// ParseSet parses args; f must use flag.ContinueOnError. It prints only the help for -h. It returns other errors to the caller, because
// flag.FlagSet would print them together with the usage.
func ParseSet(f *flag.FlagSet, args []string, usage string, help io.Writer) error {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(help, usage)
		f.SetOutput(help)
		f.PrintDefaults()
		return err
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err != nil {
		return fmt.Errorf("%w; see -h", err)
	}
	return nil
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s; see -h\n", filepath.Base(os.Args[0]), fmt.Sprintf(format, args...))
	os.Exit(2)
}
