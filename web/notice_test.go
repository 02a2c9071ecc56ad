package main

import (
	"io"
	"strings"
	"testing"
)

func TestNotice(t *testing.T) {
	for setting, want := range map[string]string{"": "null", "1": "1", "30": "30"} {
		t.Run("a_retention_of_"+setting+"_days_is_told", func(t *testing.T) {
			days, err := retentionDays(setting)
			if err != nil {
				t.Fatal(err)
			}
			c := newClouds(t, func(c *clouds) { c.retentionDays = days })
			told, err := io.ReadAll(c.do(t, "GET", "/api/notice", "", nil).Body)
			if want := `{"retentionDays":` + want + "}\n"; err != nil || string(told) != want {
				t.Errorf("told %s %v, want %s", told, err, want)
			}
		})
	}
	for _, setting := range []string{"0", "-1", "1.5", "30d", " 30", "forever", "99999999999999999999"} {
		t.Run("a_retention_of_"+setting+"_days_is_refused", func(t *testing.T) {
			if days, err := retentionDays(setting); err == nil || !strings.Contains(err.Error(), "TRIPTYCH_RETENTION_DAYS") {
				t.Errorf("read as %v, %v", days, err)
			}
		})
	}
}
