package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.temporal.io/sdk/converter"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/picture"
)

// imageTTL is long enough for a browser to follow the redirect, and for little else.
const imageTTL = time.Minute

func (a *api) image(w http.ResponseWriter, r *http.Request) error {
	id, err := pictureID(r)
	if err != nil {
		return err
	}
	p, err := a.object(r.Context(), id)
	if err != nil {
		return err
	}
	url, _, err := objects.SignGet(r.Context(), a.objects, p, imageTTL)
	if err != nil {
		return problem{
			Status: http.StatusServiceUnavailable, retryAfter: 5 * time.Second, cause: err,
			Detail: "The picture's URL cannot be signed at the moment: try again in a few seconds.",
		}
	}
	w.Header().Set("Location", url)
	w.WriteHeader(http.StatusFound)
	return nil
}

// object is the version of the picture that was or will be annotated: the Record names it, or the
// input of the run. Before either, nobody has said that the upload arrived.
func (a *api) object(ctx context.Context, id picture.ID) (picture.Picture, error) {
	record, err := a.record(ctx, id)
	switch {
	case err == nil && record.Status == picture.Erased:
		return picture.Picture{}, refuse(http.StatusGone, "The picture was erased.")
	case err == nil:
		return picture.Picture{ID: id, Bucket: record.Bucket, Key: record.Key, VersionID: record.VersionID, ETag: record.ETag}, nil
	case !errors.Is(err, records.ErrNotFound):
		return picture.Picture{}, err
	}
	run, err := a.run(ctx, id, run{})
	if err != nil {
		return picture.Picture{}, err
	}
	if len(run.history) > 0 {
		var p picture.Picture
		input := run.history[0].GetWorkflowExecutionStartedEventAttributes().GetInput()
		if err := converter.GetDefaultDataConverter().FromPayloads(input, &p); err == nil && p.ID == id {
			return p, nil
		}
	}
	return picture.Picture{}, refuse(http.StatusNotFound, "No such picture has arrived: if it was uploaded a moment ago, try again in a few seconds.")
}
