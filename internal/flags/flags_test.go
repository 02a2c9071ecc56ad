package flags

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("FLAGS_TEST_PROGRAM") != "" {
		flag.String("story", "", "")
		flag.String("ready", "", "")
		Parse("story")
		return
	}
	os.Exit(m.Run())
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"flags_are_accepted":               {[]string{"-story", "x", "-ready", ""}, 0, ""},
		"argument_is_refused":              {[]string{"check"}, 2, `unexpected argument "check"`},
		"argument_after_a_flag_is_refused": {[]string{"-story", "x", "y"}, 2, `unexpected argument "y"`},
		"flag_without_a_value_is_refused":  {[]string{"-story", ""}, 2, "-story needs a value"},
	} {
		t.Run(name, func(t *testing.T) {
			program := exec.CommandContext(t.Context(), os.Args[0], c.args...)
			program.Env = append(os.Environ(), "FLAGS_TEST_PROGRAM=1")
			out, err := program.CombinedOutput()
			status := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				status = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if status != c.status || !strings.Contains(string(out), c.want) {
				t.Errorf("status %d, want %d\n%s", status, c.status, out)
			}
		})
	}
}

func TestParseSet(t *testing.T) {
	for name, c := range map[string]struct {
		args      []string
		help, err string
	}{
		"flags_are_accepted_silently":     {[]string{"-n", "1"}, "", ""},
		"help_is_the_usage_and_the_flags": {[]string{"-h"}, "usage: x\n  -n int\n", "help requested"},
		"unknown_flag_is_only_returned":   {[]string{"-m"}, "", "-m; see -h"},
		"wrong_value_is_only_returned":    {[]string{"-n", "x"}, "", "parse error; see -h"},
		"argument_is_only_returned":       {[]string{"x"}, "", `unexpected argument "x"; see -h`},
	} {
		t.Run(name, func(t *testing.T) {
			f := flag.NewFlagSet("x", flag.ContinueOnError)
			f.Int("n", 0, "")
			var help strings.Builder
			err := ParseSet(f, c.args, "usage: x\n", &help)
			if (err == nil) != (c.err == "") || err != nil && !strings.HasSuffix(err.Error(), c.err) || strings.TrimSuffix(help.String(), "    \t\n") != c.help {
				t.Errorf("%v, printed %q", err, help.String())
			}
		})
	}
}
