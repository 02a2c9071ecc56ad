package main

import (
	"net/http"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/picture"
)

func TestErase(t *testing.T) {
	c := newTestSite(t)
	id, other := picture.NewID(time.Now()), picture.NewID(time.Now())
	path, token := "/api/pictures/"+string(id), c.eraseToken(id)
	for name, wrong := range map[string][]string{
		"a_missing_token":          nil,
		"an_empty_token":           {""},
		"another_picture's_token":  {c.eraseToken(other)},
		"a_token_cut_short":        {token[:len(token)-1]},
		"a_token_with_padding":     {token + "="},
		"a_token_of_another_site":  {(&api{eraseSecret: []byte("other")}).eraseToken(id)},
		"a_token_with_flipped_bit": {string(token[0]^1) + token[1:]},
	} {
		t.Run(name+"_is_403_and_changes_nothing", func(t *testing.T) {
			wantProblem(t, c.do(t, "DELETE", path, "", http.Header{"X-Triptych-Erase": wrong}), http.StatusForbidden, "X-Triptych-Erase")
			if len(c.temporal.started) != 0 {
				t.Fatal("an erasure was started")
			}
		})
	}
	right := http.Header{"X-Triptych-Erase": {token}}
	t.Run("the_token_starts_the_erasure", func(t *testing.T) {
		resp := c.do(t, "DELETE", path, "", right)
		if got := decodeBody[map[string]string](t, resp); resp.StatusCode != http.StatusAccepted || got["id"] != string(id) || got["status"] != "erasing" {
			t.Errorf("the answer is %d %v", resp.StatusCode, got)
		}
		if len(c.temporal.started) != 1 {
			t.Fatalf("%d erasures were started", len(c.temporal.started))
		}
		r := c.temporal.started[0]
		if r.WorkflowId != id.EraseWorkflowID() || r.WorkflowType.Name != picture.EraseWorkflow || r.TaskQueue.Name != picture.PicturesQueue || input(r.Input) != string(id) {
			t.Errorf("started %v", r)
		}
		if r.WorkflowIdConflictPolicy != enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING || r.WorkflowIdReusePolicy != enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE {
			t.Errorf("started with %v, %v", r.WorkflowIdConflictPolicy, r.WorkflowIdReusePolicy)
		}
	})
	t.Run("without_Temporal_it_is_503_and_says_that_nothing_was_erased", func(t *testing.T) {
		c.temporal.setDown(true)
		resp := c.do(t, "DELETE", path, "", right)
		wantProblem(t, resp, http.StatusServiceUnavailable, "nothing was erased")
		if resp.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	})
}
