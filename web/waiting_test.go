package main

import (
	"net/http"
	"testing"
)

func TestFullDayOfWaitingPictures(t *testing.T) {
	for name, c := range map[string]struct {
		perDay int
		open   int64
		down   bool
		status int
		detail string
	}{
		"fewer_waiting_pictures_than_the_limit_are_accepted": {perDay: 3, open: 2, status: http.StatusCreated},
		"full_day_of_waiting_pictures_is_429":                {perDay: 3, open: 3, status: http.StatusTooManyRequests, detail: "quarter of an hour"},
		"disabled_annotation_is_429":                         {perDay: 0, status: http.StatusTooManyRequests, detail: "quarter of an hour"},
		"upload_is_accepted_while_Temporal_is_down":          {perDay: 3, open: 3, down: true, status: http.StatusCreated},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t, func(s *testSite) { s.perDay, s.temporal.open, s.temporal.down = c.perDay, c.open, c.down })
			resp := s.post(t, validRequest())
			if c.status == http.StatusCreated {
				if resp.StatusCode != c.status {
					t.Errorf("status %d", resp.StatusCode)
				}
				return
			}
			if after := resp.Header.Get("Retry-After"); after != "900" {
				t.Errorf("Retry-After is %q", after)
			}
			wantProblem(t, resp, c.status, c.detail)
		})
	}
	t.Run("many_uploads_share_one_count", func(t *testing.T) {
		s := newTestSite(t)
		for range 5 {
			s.post(t, validRequest())
		}
		if counts := s.temporal.read(func() int { return s.temporal.counts }); counts != 1 {
			t.Errorf("the workflows were counted %d times", counts)
		}
	})
}
