package main

import (
	"math"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		pictures int
		minutes  float64
		want     string // "" if the flags are valid
	}{
		"one_picture_in_seconds_is_accepted": {1, 0.1, ""},
		"no_pictures_are_refused":            {0, 10, "-pictures 0"},
		"negative_pictures_are_refused":      {-1, 10, "-pictures -1"},
		"no_time_is_refused":                 {1, 0, "-minutes 0"},
		"negative_time_is_refused":           {1, -1, "-minutes -1"},
		"NaN_is_refused":                     {1, math.NaN(), "-minutes NaN"},
		"infinite_time_is_refused":           {1, math.Inf(1), "-minutes +Inf"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := validate(c.pictures, c.minutes); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
