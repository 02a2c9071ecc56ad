package main

import (
	"context"
	"crypto/hmac"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/api/serviceerror"

	"triptych/internal/pipeline"
	"triptych/internal/telemetry"
	"triptych/picture"
)

func (a *api) erase(w http.ResponseWriter, r *http.Request, l link) error {
	if !hmac.Equal([]byte(r.Header.Get("X-Triptych-Erase")), []byte(a.eraseToken(l.picture))) {
		return clientError(http.StatusForbidden, "The header X-Triptych-Erase must contain the eraseToken of this picture's upload grant. Nothing was changed.")
	}
	if !a.erasurePastRetention(r.Context(), l.picture) {
		ctx, cancel := context.WithTimeout(r.Context(), cloudTimeout)
		defer cancel()
		ctx, _ = telemetry.StartPicture(ctx, l.picture)
		if err := pipeline.Erase(ctx, a.temporal, l.picture); err != nil {
			return unavailable(2*time.Second, "Temporal does not answer, so nothing was erased yet", err)
		}
	}
	return writeJSON(w, http.StatusAccepted, "application/json", map[string]string{"id": l.id, "reference": string(l.picture), "status": "erasing"})
}

// If there is a tombstone but no erase workflow, the erasure has ended and Temporal has deleted its workflow.
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
