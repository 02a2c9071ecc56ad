package stack

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpenRefusesBeforeBuilding(t *testing.T) {
	google := []string{"google"}
	for name, c := range map[string]struct {
		real []string
		env  map[string]string
		want string
	}{
		"daily_limit_with_commas":             {nil, map[string]string{"TRIPTYCH_ANNOTATIONS_PER_DAY": "2,000,000"}, "TRIPTYCH_ANNOTATIONS_PER_DAY must be a whole number"},
		"negative_daily_limit_of_real_Google": {google, map[string]string{"TRIPTYCH_ANNOTATIONS_PER_SECOND": "1", "TRIPTYCH_ANNOTATIONS_PER_DAY": "-1"}, "TRIPTYCH_ANNOTATIONS_PER_DAY must be a whole number"},
		"rate_with_a_unit":                    {google, map[string]string{"TRIPTYCH_ANNOTATIONS_PER_SECOND": "1/s"}, "TRIPTYCH_ANNOTATIONS_PER_SECOND must be a number"},
		"feature_that_Google_does_not_know":   {google, map[string]string{"TRIPTYCH_ANNOTATIONS_PER_SECOND": "1", "TRIPTYCH_FEATURES": "MOOD"}, `"MOOD" is not a feature`},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			t.Setenv("PATH", "") // without the go command, a build would fail with another error
			err := openAndClose(t, Config{Real: c.real})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that contains %s", err, c.want)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	const parent = "TRIPTYCH_VISION_PARENT=projects/p/locations/eu"
	name, value, _ := strings.Cut(parent, "=")
	t.Setenv(name, value)
	for name, c := range map[string]struct {
		real []string
		want bool
	}{
		"real_Google_gets_its_parent":    {[]string{"google"}, true},
		"emulated_Google_gets_no_parent": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Stack{config: Config{Real: c.real}}
			if got := slices.Contains(s.Environment(), parent); got != c.want {
				t.Errorf("the environment has %s: %t, want %t", parent, got, c.want)
			}
		})
	}
}

func openAndClose(t *testing.T, config Config) error {
	t.Helper()
	config.Dir, config.Addr, config.Output = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", t.Output()
	s, err := Open(context.Background(), config)
	if err == nil {
		s.Close()
	}
	return err
}
