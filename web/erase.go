package main

import (
	"context"
	"crypto/hmac"
	"errors"
	"net/http"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// erase starts a second erasure only if the first one failed or was terminated.
func (a *api) erase(w http.ResponseWriter, r *http.Request, l link) error {
	if !hmac.Equal([]byte(r.Header.Get("X-Triptych-Erase")), []byte(a.eraseToken(l.picture))) {
		return clientError(http.StatusForbidden, "The header X-Triptych-Erase must contain the eraseToken of this picture's upload grant. Nothing was changed.")
	}
	if !a.erasurePastRetention(r.Context(), l.picture) {
		ctx, cancel := context.WithTimeout(r.Context(), cloudTimeout)
		defer cancel()
		// If the workflow has completed, ExecuteWorkflow starts nothing and returns no error.
		_, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID:                       l.picture.EraseWorkflowID(),
			TaskQueue:                picture.PicturesQueue,
			WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
			WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
			Priority:                 temporal.Priority{FairnessKey: l.picture.Network()},
		}, picture.EraseWorkflow, string(l.picture))
		if err != nil {
			return unavailable(2*time.Second, "Temporal does not answer, so nothing was erased yet", err)
		}
	}
	return writeJSON(w, http.StatusAccepted, "application/json", map[string]string{"id": l.id, "reference": string(l.picture), "status": "erasing"})
}

// Without a tombstone, the picture was never erased, and Temporal has no erase workflow for that reason.
func (a *api) erasurePastRetention(ctx context.Context, id picture.ID) bool {
	ctx, cancel := context.WithTimeout(ctx, cloudTimeout)
	defer cancel()
	if record, err := a.record(ctx, id); err != nil || record.Status != picture.Erased {
		return false
	}
	_, err := a.temporal.DescribeWorkflowExecution(ctx, id.EraseWorkflowID(), "")
	_, pastRetention := errors.AsType[*serviceerror.NotFound](err)
	return pastRetention
}
