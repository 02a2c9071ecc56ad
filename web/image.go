package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/status"
	"triptych/picture"
)

func (a *api) redirectToImage(w http.ResponseWriter, r *http.Request, l link) error {
	p, err := a.object(r.Context(), l.picture)
	if err != nil {
		return err
	}
	// Bad data in Temporal or Cosmos DB must not expose another picture.
	if id, _, err := picture.ParseKey(p.Key); err != nil || id != l.picture || p.Bucket != a.bucket {
		return fmt.Errorf("finding the object of picture %s: it is not %q in bucket %q", l.picture, p.Key, p.Bucket)
	}
	url, _, err := objects.SignGet(r.Context(), a.objects, p, time.Minute) // a browser follows the redirect within a minute
	if err != nil {
		return unavailable(5*time.Second, "The picture's URL cannot be signed at the moment", err)
	}
	w.Header().Set("Location", url)
	w.WriteHeader(http.StatusFound)
	return nil
}

func (a *api) object(ctx context.Context, id picture.ID) (picture.Picture, error) {
	record, err := a.record(ctx, id)
	switch {
	case err == nil && record.Status == picture.Erased:
		return picture.Picture{}, clientError(http.StatusGone, "The picture was erased.")
	case (err == nil || errors.Is(err, records.ErrNotFound)) && a.hidden(id):
		return picture.Picture{}, clientError(http.StatusGone, "This site deletes pictures after %d days.", *a.retentionDays)
	case err == nil:
		return picture.Picture{ID: id, Bucket: record.Bucket, Key: record.Key, VersionID: record.VersionID, ETag: record.ETag}, nil
	case !errors.Is(err, records.ErrNotFound):
		return picture.Picture{}, err
	}
	execution, err := a.execution(ctx, id, status.Execution{})
	if err != nil {
		return picture.Picture{}, err
	}
	if !execution.Exists() {
		return picture.Picture{}, clientError(http.StatusNotFound, "This picture has not arrived: if it was uploaded a moment ago, try again in a few seconds.")
	}
	p, err := execution.Picture()
	if err != nil {
		return picture.Picture{}, fmt.Errorf("finding the object of picture %s: %w", id, err)
	}
	return p, nil
}
