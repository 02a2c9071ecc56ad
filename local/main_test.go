package main

import (
	"io"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"Temporal_without_a_port": {"-temporal", "temporal.example"},
		"Temporal_without_a_host": {"-temporal", ":7233"},
		"empty_Temporal":          {"-temporal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if config, err := parse(args, io.Discard); err == nil || !strings.Contains(err.Error(), "want host:port") {
				t.Errorf("%+v, %v", config, err)
			}
		})
	}
}

func TestErrorOfAFlagIsPrintedOnce(t *testing.T) {
	var help strings.Builder
	if _, err := parse([]string{"-unknown"}, &help); err == nil || help.Len() > 0 {
		t.Errorf("%v, printed %s", err, &help)
	}
}
