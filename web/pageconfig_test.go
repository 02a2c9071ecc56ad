package main

import (
	"io"
	"testing"
)

func TestPageConfig(t *testing.T) {
	thirty := 30
	for name, c := range map[string]struct {
		days *int
		want string
	}{
		"no_retention_is_null": {nil, `{"retentionDays":null}`},
		"retention_is_in_days": {&thirty, `{"retentionDays":30}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t, func(s *testSite) { s.retentionDays = c.days })
			body, err := io.ReadAll(s.do(t, "GET", "/api/notice", "", nil).Body)
			if err != nil || string(body) != c.want+"\n" {
				t.Errorf("the response is %s %v, want %s", body, err, c.want)
			}
		})
	}
}
