package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"go.temporal.io/api/serviceerror"
	enumsspb "go.temporal.io/server/api/enums/v1"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/common/primitives/timestamp"
)

type executionStore struct {
	p.ExecutionStore // the dead letters of replication
	*database
}

func (s *executionStore) CreateWorkflowExecution(_ context.Context, r *p.InternalCreateWorkflowExecutionRequest) (*p.InternalCreateWorkflowExecutionResponse, error) {
	m := asMutation(&r.NewWorkflowSnapshot)
	err := s.updateShard(r.ShardID, r.RangeID, func(b *pebble.Batch) error {
		c, err := s.currentExecution(r.ShardID, m.NamespaceID, m.WorkflowID)
		if err != nil {
			return err
		}
		switch r.Mode {
		case p.CreateWorkflowModeBrandNew:
			if c.state != nil {
				return c.conflict("the workflow exists")
			}
		case p.CreateWorkflowModeUpdateCurrent:
			if c.state.GetRunId() != r.PreviousRunID || c.lastWriteVersion != r.PreviousLastWriteVersion ||
				c.state.GetState() != enumsspb.WORKFLOW_EXECUTION_STATE_COMPLETED {
				return c.conflict(fmt.Sprintf("run %s with last write version %d is not the completed current run", r.PreviousRunID, r.PreviousLastWriteVersion))
			}
		case p.CreateWorkflowModeBypassCurrent:
			if c.state.GetRunId() == m.ExecutionState.RunId {
				return c.conflict("the new run is the current run")
			}
		default:
			return serviceerror.NewInternalf("unknown mode %v", r.Mode)
		}
		if r.Mode != p.CreateWorkflowModeBypassCurrent {
			putCurrentExecution(b, r.ShardID, m)
		}
		appendNodes(b, r.NewWorkflowNewEvents)
		return s.createExecution(b, r.ShardID, &r.NewWorkflowSnapshot)
	})
	return &p.InternalCreateWorkflowExecutionResponse{}, err
}

func (s *executionStore) UpdateWorkflowExecution(_ context.Context, r *p.InternalUpdateWorkflowExecutionRequest) error {
	return s.updateShard(r.ShardID, r.RangeID, func(b *pebble.Batch) error {
		m := &r.UpdateWorkflowMutation
		appendNodes(b, r.UpdateWorkflowNewEvents)
		appendNodes(b, r.NewWorkflowNewEvents)
		var err error
		switch r.Mode {
		case p.UpdateWorkflowModeIgnoreCurrent:
		case p.UpdateWorkflowModeBypassCurrent:
			err = s.assertNotCurrent(r.ShardID, m)
		case p.UpdateWorkflowModeUpdateCurrent:
			err = s.replaceCurrent(b, r.ShardID, m, m, r.NewWorkflowSnapshot)
		default:
			err = serviceerror.NewInternalf("unknown mode %v", r.Mode)
		}
		if err != nil {
			return err
		}
		if err := s.updateExecution(b, r.ShardID, m); err != nil {
			return err
		}
		return s.createExecution(b, r.ShardID, r.NewWorkflowSnapshot)
	})
}

func (s *executionStore) ConflictResolveWorkflowExecution(_ context.Context, r *p.InternalConflictResolveWorkflowExecutionRequest) error {
	return s.updateShard(r.ShardID, r.RangeID, func(b *pebble.Batch) error {
		reset := asMutation(&r.ResetWorkflowSnapshot)
		appendNodes(b, r.CurrentWorkflowEventsNewEvents)
		appendNodes(b, r.ResetWorkflowEventsNewEvents)
		appendNodes(b, r.NewWorkflowEventsNewEvents)
		var err error
		switch r.Mode {
		case p.ConflictResolveWorkflowModeBypassCurrent:
			err = s.assertNotCurrent(r.ShardID, reset)
		case p.ConflictResolveWorkflowModeUpdateCurrent:
			previous := reset
			if r.CurrentWorkflowMutation != nil {
				previous = r.CurrentWorkflowMutation
			}
			err = s.replaceCurrent(b, r.ShardID, previous, reset, r.NewWorkflowSnapshot)
		default:
			err = serviceerror.NewInternalf("unknown mode %v", r.Mode)
		}
		if err != nil {
			return err
		}
		if err := s.resetExecution(b, r.ShardID, &r.ResetWorkflowSnapshot); err != nil {
			return err
		}
		if r.CurrentWorkflowMutation != nil {
			if err := s.updateExecution(b, r.ShardID, r.CurrentWorkflowMutation); err != nil {
				return err
			}
		}
		return s.createExecution(b, r.ShardID, r.NewWorkflowSnapshot)
	})
}

func (s *executionStore) SetWorkflowExecution(_ context.Context, r *p.InternalSetWorkflowExecutionRequest) error {
	return s.updateShard(r.ShardID, r.RangeID, func(b *pebble.Batch) error {
		return s.resetExecution(b, r.ShardID, &r.SetWorkflowSnapshot)
	})
}

func (s *executionStore) DeleteWorkflowExecution(_ context.Context, r *p.DeleteWorkflowExecutionRequest) error {
	return s.update(shards.key().int(int64(r.ShardID)), func(b *pebble.Batch) error {
		k := executionKey(r.ShardID, r.NamespaceID, r.WorkflowID, r.RunID)
		markErased(b, k)
		_, err := s.deleteRows(b, k, k.end(), 0)
		return err
	})
}

func (s *executionStore) DeleteCurrentWorkflowExecution(_ context.Context, r *p.DeleteCurrentWorkflowExecutionRequest) error {
	return s.update(shards.key().int(int64(r.ShardID)), func(b *pebble.Batch) error {
		c, err := s.currentExecution(r.ShardID, r.NamespaceID, r.WorkflowID)
		if err == nil && c.state.GetRunId() == r.RunID {
			err = b.Delete(currentKey(r.ShardID, r.NamespaceID, r.WorkflowID), nil)
		}
		return err
	})
}

func (s *executionStore) GetCurrentExecution(_ context.Context, r *p.GetCurrentExecutionRequest) (*p.InternalGetCurrentExecutionResponse, error) {
	c, err := s.currentExecution(r.ShardID, r.NamespaceID, r.WorkflowID)
	if err == nil && c.state == nil {
		err = serviceerror.NewNotFoundf("workflow %s does not exist", r.WorkflowID)
	}
	if err != nil {
		return nil, err
	}
	return &p.InternalGetCurrentExecutionResponse{RunID: c.state.RunId, ExecutionState: c.state}, nil
}

// current is the row that names the newest run of a workflow ID.
type current struct {
	state            *persistencespb.WorkflowExecutionState // nil if there is none
	lastWriteVersion int64
}

func currentKey(shardID int32, namespaceID, workflowID string) key {
	return currentExecutions.key().int(int64(shardID)).str(namespaceID, workflowID)
}

func (s *executionStore) currentExecution(shardID int32, namespaceID, workflowID string) (c current, err error) {
	r, found, err := s.get(currentKey(shardID, namespaceID, workflowID))
	if err != nil || !found {
		return current{}, err
	}
	state, err := serialization.WorkflowExecutionStateFromBlob(r.blob)
	return current{state, r.version}, err
}

func (c current) conflict(reason string) error {
	return &p.CurrentWorkflowConditionFailedError{
		Msg: fmt.Sprintf("%s; current run: %s", reason, c.state.GetRunId()), RequestIDs: c.state.GetRequestIds(), RunID: c.state.GetRunId(),
		State: c.state.GetState(), Status: c.state.GetStatus(), LastWriteVersion: c.lastWriteVersion,
		StartTime: timestamp.TimeValuePtr(c.state.GetStartTime()),
	}
}

func putCurrentExecution(b *pebble.Batch, shardID int32, m *p.InternalWorkflowMutation) {
	put(b, currentKey(shardID, m.NamespaceID, m.WorkflowID), row{version: m.LastWriteVersion, blob: m.ExecutionStateBlob})
}

// replaceCurrent makes next the current run instead of previous, or created if it is not nil.
func (s *executionStore) replaceCurrent(
	b *pebble.Batch, shardID int32, previous, next *p.InternalWorkflowMutation, created *p.InternalWorkflowSnapshot,
) error {
	c, err := s.currentExecution(shardID, next.NamespaceID, next.WorkflowID)
	if err != nil {
		return err
	}
	if previousRun := previous.ExecutionState.RunId; c.state.GetRunId() != previousRun {
		return c.conflict(fmt.Sprintf("run %s is not the current run", previousRun))
	}
	if created != nil {
		next = asMutation(created)
	}
	putCurrentExecution(b, shardID, next)
	return nil
}

func (s *executionStore) assertNotCurrent(shardID int32, m *p.InternalWorkflowMutation) error {
	c, err := s.currentExecution(shardID, m.NamespaceID, m.WorkflowID)
	if err == nil && c.state.GetRunId() == m.ExecutionState.RunId {
		return c.conflict("the run is the current run")
	}
	return err
}
