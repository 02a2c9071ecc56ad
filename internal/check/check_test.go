package check

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestProgram(t *testing.T) {
	call := func(name string, err error) Call {
		return Call{name, func(context.Context) error { return err }}
	}
	broken := errors.New("reason")
	for name, test := range map[string]struct {
		calls   []Call
		connect error
		want    string
		failed  int
	}{
		"working_calls_are_counted": {[]Call{call("a", nil), call("b", nil)}, nil,
			"ok      settings\nok      a\nok      b\ndone    3 calls, 0 failed\n", 0},
		"failed_calls_are_counted": {[]Call{call("a", broken), call("b", nil)}, nil,
			"ok      settings\nFAILED  a: reason\nok      b\ndone    3 calls, 1 failed\n", 1},
		"missing_settings_are_the_only_failure": {nil, broken,
			"FAILED  settings: reason\ndone    1 calls, 1 failed\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			connected := false
			failed := Program(t.Context(), &out, func(context.Context) ([]Call, func(), error) {
				connected = test.connect == nil
				return test.calls, func() { connected = false }, test.connect
			})
			if failed != test.failed || out.String() != test.want || connected {
				t.Errorf("%d failed, connected: %t\n%s", failed, connected, &out)
			}
		})
	}
}
