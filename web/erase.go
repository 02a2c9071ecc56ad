package main

import (
	"context"
	"crypto/hmac"
	"net/http"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"triptych/picture"
)

// erase is idempotent: Temporal runs one erasure of a picture at a time, and a second erasure changes nothing.
func (a *api) erase(w http.ResponseWriter, r *http.Request, l link) error {
	if !hmac.Equal([]byte(r.Header.Get("X-Triptych-Erase")), []byte(a.eraseToken(l.picture))) {
		return clientError(http.StatusForbidden, "The header X-Triptych-Erase must contain the eraseToken of this picture's upload grant. Nothing was changed.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), cloudTimeout)
	defer cancel()
	_, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       l.picture.EraseWorkflowID(),
		TaskQueue:                picture.PicturesQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		Priority:                 temporal.Priority{FairnessKey: l.picture.Network()},
	}, picture.EraseWorkflow, string(l.picture))
	if err != nil {
		return unavailable(2*time.Second, "Temporal does not answer, so nothing was erased yet", err)
	}
	return writeJSON(w, http.StatusAccepted, "application/json", map[string]string{"id": l.id, "reference": string(l.picture), "status": "erasing"})
}
