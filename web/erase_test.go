package main

import (
	"net/http"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestErase(t *testing.T) {
	s := newTestSite(t)
	l, other := newTestLink(time.Now()), newTestLink(time.Now())
	path, token := "/api/pictures/"+l.id, s.eraseToken(l.picture)
	for name, invalid := range map[string][]string{
		"missing_token":            nil,
		"empty_token":              {""},
		"token_of_another_picture": {s.eraseToken(other.picture)},
		"truncated_token":          {token[:len(token)-1]},
		"token_with_padding":       {token + "="},
		"token_of_another_secret":  {config{eraseSecret: []byte("other")}.eraseToken(l.picture)},
		"token_with_flipped_bit":   {string(token[0]^1) + token[1:]},
	} {
		t.Run(name+"_is_403_and_starts_nothing", func(t *testing.T) {
			wantProblem(t, s.do(t, "DELETE", path, "", http.Header{"X-Triptych-Erase": invalid}), http.StatusForbidden, "X-Triptych-Erase")
			if len(s.temporal.started) != 0 {
				t.Fatal("an erasure was started")
			}
		})
	}
	valid := http.Header{"X-Triptych-Erase": {token}}
	t.Run("valid_token_starts_an_erasure", func(t *testing.T) {
		resp := s.do(t, "DELETE", path, "", valid)
		if got := decodeBody[map[string]string](t, resp); resp.StatusCode != http.StatusAccepted || got["id"] != l.id || got["reference"] != string(l.picture) || got["status"] != "erasing" {
			t.Errorf("the response is %d %v", resp.StatusCode, got)
		}
		if len(s.temporal.started) != 1 {
			t.Fatalf("%d erasures were started", len(s.temporal.started))
		}
		r := s.temporal.started[0]
		if r.WorkflowId != l.picture.EraseWorkflowID() || r.WorkflowType.Name != picture.EraseWorkflow || r.TaskQueue.Name != picture.PicturesQueue || decodeInput(r.Input) != string(l.picture) {
			t.Errorf("the erasure was started with %v", r)
		}
		if got := r.Priority.GetFairnessKey(); got != l.picture.Network() {
			t.Errorf("the erasure has the fairness key %q, want %q", got, l.picture.Network())
		}
		if r.WorkflowIdConflictPolicy != enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING || r.WorkflowIdReusePolicy != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY {
			t.Errorf("the erasure was started with the policies %v, %v", r.WorkflowIdConflictPolicy, r.WorkflowIdReusePolicy)
		}
	})
	t.Run("erasure_starts_while_Cosmos_DB_is_unavailable", func(t *testing.T) {
		s.cosmos.SetFault(cosmosdb.Fault{Status: http.StatusServiceUnavailable})
		defer s.cosmos.SetFault(cosmosdb.Fault{})
		s.wantErasures(t, path, valid, 1)
	})
	s.store(t, picture.Tombstone(l.picture))
	t.Run("erasure_past_retention_is_not_started_again", func(t *testing.T) { s.wantErasures(t, path, valid, 0) })
	t.Run("Temporal_decides_whether_a_retained_erasure_is_started_again", func(t *testing.T) {
		s.temporal.use(t, "completed")
		s.wantErasures(t, path, valid, 1)
	})
	t.Run("unavailable_Temporal_is_503", func(t *testing.T) {
		s.temporal.setDown(true)
		resp := s.do(t, "DELETE", path, "", valid)
		wantProblem(t, resp, http.StatusServiceUnavailable, "nothing was erased")
		if resp.Header.Get("Retry-After") == "" {
			t.Error("the response has no Retry-After")
		}
	})
}

func (s *testSite) wantErasures(t *testing.T, path string, valid http.Header, want int) {
	t.Helper()
	before := len(s.temporal.started)
	if resp := s.do(t, "DELETE", path, "", valid); resp.StatusCode != http.StatusAccepted {
		t.Errorf("the response has status %d, want 202", resp.StatusCode)
	}
	if n := len(s.temporal.started) - before; n != want {
		t.Errorf("Temporal was asked to start %d workflows, want %d", n, want)
	}
}
