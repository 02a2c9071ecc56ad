package stack

import (
	"context"
	"net"
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
		"Cosmos_DB_without_a_scheme":          {[]string{"azure"}, map[string]string{"COSMOS_ENDPOINT": "name.documents.azure.com"}, "COSMOS_ENDPOINT must be the URI"},
		"URL_of_a_bucket":                     {[]string{"aws"}, map[string]string{"TRIPTYCH_BUCKET": "s3://pictures"}, "TRIPTYCH_BUCKET must be the name of a bucket"},
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

func TestTemporalThatWasNotStartedHere(t *testing.T) {
	used, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer used.Close()
	t.Run("server_that_does_not_answer_is_named_before_the_build", func(t *testing.T) {
		t.Setenv("PATH", "")
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		closed.Close()
		addr := closed.Addr().String()
		if err := openAndClose(t, Config{Temporal: addr}); err == nil || !strings.Contains(err.Error(), "-temporal "+addr+" does not answer") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("its_port_is_not_replaced", func(t *testing.T) {
		var output strings.Builder
		config, port := Config{Dir: t.TempDir(), Temporal: used.Addr().String(), Output: &output}, used.Addr().(*net.TCPAddr).Port
		if err := writeJSON(filepath.Join(config.Dir, "identity.json"), identity{Ports: map[string]int{"temporal": port}}, 0o600); err != nil {
			t.Fatal(err)
		}
		id, err := config.identify()
		if err != nil || id.Ports["temporal"] != port || output.Len() > 0 {
			t.Errorf("port %d, want %d, %v\n%s", id.Ports["temporal"], port, err, &output)
		}
	})
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
