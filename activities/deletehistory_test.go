package activities

import (
	"fmt"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/proto"

	"triptych/picture"
)

func TestDeleteHistory(t *testing.T) {
	c := openClouds(t)
	id := newPicture(t).ID
	t.Run("every_listed_execution_and_the_latest_are_deleted", func(t *testing.T) {
		first := &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID(), RunId: "first"}
		second := &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID(), RunId: "second"}
		server := c.startTemporal(t, first, second)
		if _, err := execute[any](t, c, picture.DeleteHistoryActivity, id); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("WorkflowId = '%s'", id.WorkflowID()); server.query != want {
			t.Errorf("query %q, want %q", server.query, want)
		}
		latest := &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()}
		checkDeleted(t, server, latest, first, second)
	})
	t.Run("missing_workflow_is_a_success", func(t *testing.T) {
		server := c.startTemporal(t)
		if _, err := execute[any](t, c, picture.DeleteHistoryActivity, id); err != nil {
			t.Fatal(err)
		}
		checkDeleted(t, server, &commonpb.WorkflowExecution{WorkflowId: id.WorkflowID()})
	})
}

func checkDeleted(t *testing.T, server *temporalServer, want ...*commonpb.WorkflowExecution) {
	t.Helper()
	if len(server.deleted) != len(want) {
		t.Fatalf("deleted %v, want %v", server.deleted, want)
	}
	for i, e := range want {
		if !proto.Equal(server.deleted[i], e) {
			t.Errorf("deletion %d was of %v, want %v", i, server.deleted[i], e)
		}
	}
}
