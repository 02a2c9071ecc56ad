package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	commonpb "go.temporal.io/api/common/v1"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

func TestAnnotateErasedPicture(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
		t.Fatal(err)
	}
	t.Run("picture_is_not_sent_to_Google", func(t *testing.T) {
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.WasErased)
		c.checkNotBilled(t, 0)
	})
	t.Run("picture_is_not_sent_to_Google_for_a_reannotation", func(t *testing.T) {
		_, err := execute[AnnotateResult](t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes, ReannotateBefore: time.Now()})
		checkFailure(t, err, picture.WasErased)
		c.checkNotBilled(t, 0)
	})
}

func TestAnnotatePictureWithRecord(t *testing.T) {
	c := openClouds(t)
	c.google.SetFault(annotator.Fault{Response: &visionpb.AnnotateImageResponse{}}) // faster than a real annotation
	p := c.uploadPhoto(t)
	c.checkPersist(t, p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage}, nil, "run"), picture.Rejected)
	for _, tt := range []struct {
		name             string
		reannotateBefore time.Time
		existing         picture.Status
		billed           int64
	}{
		{"existing_Record_prevents_a_second_payment", time.Time{}, picture.Rejected, 0},
		{"Record_newer_than_the_sweep_prevents_a_reannotation", time.Now().Add(-time.Hour), picture.Rejected, 0},
		{"Record_older_than_the_sweep_is_annotated_again", time.Now().Add(time.Hour), "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := c.google.Billed()
			got, err := execute[AnnotateResult](t, c, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes, ReannotateBefore: tt.reannotateBefore})
			if billed := c.google.Billed() - before; err != nil || got.Existing != tt.existing || billed != tt.billed {
				t.Errorf("existing %q, billed %d, %v", got.Existing, billed, err)
			}
		})
	}
	for name, properties := range unreadableDocuments {
		t.Run(name+"_fails_before_Google_is_paid", func(t *testing.T) {
			c := openClouds(t)
			p := c.uploadPhoto(t)
			c.createDocument(t, p.ID, properties)
			_, err := c.annotate(t, p, ByURL)
			checkFailure(t, err, picture.Misconfigured)
			c.checkNotBilled(t, 0)
		})
	}
}

var unreadableDocuments = map[string]string{ // by name, the properties besides the id
	"document_with_a_value_of_the_wrong_type": `,"steps":"not a list"`,
	"document_without_a_status":               ``,
	"document_with_an_unknown_status":         `,"status":"done"`,
}

func TestAnnotateIfCosmosDBIsUncertain(t *testing.T) {
	for _, subStatus := range []int{1002, 1013, 1024} {
		t.Run(fmt.Sprintf("sub-status_%d_makes_the_picture_wait_without_calling_Google", subStatus), func(t *testing.T) {
			c := openClouds(t)
			c.startTemporal(t)
			p := c.uploadPhoto(t)
			if _, err := c.DailyLimit.Take(t.Context(), time.Now); err != nil { // so that only the Record is missing
				t.Fatal(err)
			}
			c.checkPersist(t, p.RejectedRecord(picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage}, nil, "run"), picture.Rejected)
			c.azure.SetFault(cosmosdb.Fault{Method: http.MethodGet, Status: http.StatusNotFound, SubStatus: subStatus})
			_, err := c.annotate(t, p, ByURL)
			checkFailure(t, err, picture.Unavailable)
			c.checkNotBilled(t, 0)
			c.azure.SetFault(cosmosdb.Fault{Method: http.MethodGet})
			if got, err := c.annotate(t, p, ByURL); err != nil || got.Existing != picture.Rejected {
				t.Errorf("existing %q, %v", got.Existing, err)
			}
		})
	}
}

func TestAnnotateWithoutCosmosDB(t *testing.T) {
	c := openClouds(t)
	p := c.uploadPhoto(t)
	c.azure.SetFault(cosmosdb.Fault{Status: http.StatusServiceUnavailable})
	t.Run("Google_is_not_called_without_a_reservation", func(t *testing.T) {
		c.startTemporal(t)
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.Unavailable)
		c.checkNotBilled(t, 0)
	})
	t.Run("picture_is_annotated_if_a_call_is_reserved_and_no_erasure_has_started", func(t *testing.T) {
		c.azure.SetFault(cosmosdb.Fault{})
		if _, err := c.DailyLimit.Take(t.Context(), time.Now); err != nil {
			t.Fatal(err)
		}
		c.azure.SetFault(cosmosdb.Fault{Status: http.StatusServiceUnavailable})
		c.startTemporal(t)
		if _, err := c.annotate(t, p, ByURL); err != nil || c.google.Billed() != 1 {
			t.Errorf("billed %d, %v", c.google.Billed(), err)
		}
	})
	t.Run("picture_is_discarded_if_its_erasure_has_started", func(t *testing.T) {
		c.startTemporal(t, &commonpb.WorkflowExecution{WorkflowId: p.ID.EraseWorkflowID()})
		before := c.google.Billed()
		_, err := c.annotate(t, p, ByURL)
		checkFailure(t, err, picture.WasErased)
		c.checkNotBilled(t, before)
	})
}

func TestReadRespectsItsContext(t *testing.T) {
	c := openClouds(t)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer silent.Close()
	c.connectRecords(t, records.Config{Endpoint: silent.URL, Key: newKey()})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Records.Read(ctx, newPicture(t).ID); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
