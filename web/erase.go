package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"triptych/picture"
)

// An erase token is an HMAC of the picture ID, so no database needs to store it.
func (a *api) eraseToken(id picture.ID) string {
	mac := hmac.New(sha256.New, a.eraseSecret)
	mac.Write([]byte(id))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// erase is idempotent: Temporal runs one erasure of a picture at a time, and a second erasure changes nothing.
func (a *api) erase(w http.ResponseWriter, r *http.Request, id picture.ID) error {
	if !hmac.Equal([]byte(r.Header.Get("X-Triptych-Erase")), []byte(a.eraseToken(id))) {
		return clientError(http.StatusForbidden, "The header X-Triptych-Erase must contain the eraseToken of this picture's upload grant. Nothing was changed.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), cloudTimeout)
	defer cancel()
	_, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       id.EraseWorkflowID(),
		TaskQueue:                picture.PicturesQueue,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	}, picture.EraseWorkflow, string(id))
	if err != nil {
		return unavailable(2*time.Second, "Temporal does not answer, so nothing was erased yet", err)
	}
	return writeJSON(w, http.StatusAccepted, "application/json", map[string]string{"id": string(id), "status": "erasing"})
}
