package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

// The mutable state of a workflow execution is a range of rows, so that an update writes only what changed. After the execution's key,
// a row's key has one of these bytes and, if there can be several rows, an ID.
const (
	infoRow          = 0 // version is the DBRecordVersion, extra the next event ID
	stateRow         = 1
	activityRow      = 2
	timerRow         = 3
	childRow         = 4
	requestCancelRow = 5
	signalRow        = 6
	signalRequestRow = 7
	bufferedRow      = 8 // the ID is the DBRecordVersion
	chasmRow         = 9
	chasmDataRow     = 10
)

func executionKey(shardID int32, namespaceID, workflowID, runID string) key {
	return executions.key().int(int64(shardID)).str(namespaceID, workflowID, runID)
}

func (k key) of(kind byte) key { return append(slices.Clip(k), kind) }

func (s *executionStore) GetWorkflowExecution(_ context.Context, r *p.GetWorkflowExecutionRequest) (*p.InternalGetWorkflowExecutionResponse, error) {
	state, err := s.mutableState(executionKey(r.ShardID, r.NamespaceID, r.WorkflowID, r.RunID))
	if err == nil && state.ExecutionInfo == nil {
		err = serviceerror.NewNotFoundf("run %s of workflow %s does not exist", r.RunID, r.WorkflowID)
	}
	if err != nil {
		return nil, err
	}
	return &p.InternalGetWorkflowExecutionResponse{State: state, DBRecordVersion: state.DBRecordVersion}, nil
}

// ListConcreteExecutions returns the mutable states of a shard. Temporal's executions scavenger reads them.
func (s *executionStore) ListConcreteExecutions(_ context.Context, r *p.ListConcreteExecutionsRequest) (*p.InternalListConcreteExecutionsResponse, error) {
	shard := executions.key().int(int64(r.ShardID))
	response := &p.InternalListConcreteExecutionsResponse{NextPageToken: r.PageToken}
	for len(response.States) < r.PageSize {
		var execution key
		_, err := s.scan(shard, shard.end(), page{size: 1, token: response.NextPageToken}, func(k key, _ row) {
			rest := k[len(shard):]
			for range 3 { // namespace, workflow and run
				_, rest = rest.cutStr()
			}
			execution = slices.Clone(k[:len(k)-len(rest)])
		})
		if err != nil || execution == nil {
			response.NextPageToken = nil
			return response, err
		}
		state, err := s.mutableState(execution)
		if err != nil {
			return nil, err
		}
		response.States = append(response.States, state)
		response.NextPageToken = execution.end()
	}
	return response, nil
}

func (s *executionStore) mutableState(k key) (*p.InternalWorkflowMutableState, error) {
	state := &p.InternalWorkflowMutableState{
		ActivityInfos: map[int64]*commonpb.DataBlob{}, TimerInfos: map[string]*commonpb.DataBlob{}, ChildExecutionInfos: map[int64]*commonpb.DataBlob{},
		RequestCancelInfos: map[int64]*commonpb.DataBlob{}, SignalInfos: map[int64]*commonpb.DataBlob{}, ChasmNodes: map[string]p.InternalChasmNode{},
	}
	ints := map[byte]map[int64]*commonpb.DataBlob{
		activityRow: state.ActivityInfos, childRow: state.ChildExecutionInfos, requestCancelRow: state.RequestCancelInfos, signalRow: state.SignalInfos,
	}
	_, err := s.scan(k, k.end(), page{seek: true}, func(rowKey key, r row) {
		kind, id := rowKey[len(k)], rowKey[len(k)+1:]
		switch kind {
		case infoRow:
			state.ExecutionInfo, state.DBRecordVersion, state.NextEventID = r.blob, r.version, r.extra
		case stateRow:
			state.ExecutionState = r.blob
		case activityRow, childRow, requestCancelRow, signalRow:
			n, _ := id.cutInt()
			ints[kind][n] = r.blob
		case bufferedRow:
			state.BufferedEvents = append(state.BufferedEvents, r.blob)
		default:
			name, _ := id.cutStr()
			switch kind {
			case timerRow:
				state.TimerInfos[name] = r.blob
			case signalRequestRow:
				state.SignalRequestedIDs = append(state.SignalRequestedIDs, name)
			case chasmRow:
				state.ChasmNodes[name] = p.InternalChasmNode{Metadata: r.blob}
			case chasmDataRow:
				state.ChasmNodes[name] = p.InternalChasmNode{Metadata: state.ChasmNodes[name].Metadata, Data: r.blob}
			}
		}
	})
	return state, err
}

// createExecution does nothing if there is no snapshot.
func (s *executionStore) createExecution(b *pebble.Batch, shardID int32, snapshot *p.InternalWorkflowSnapshot) error {
	if snapshot == nil {
		return nil
	}
	m := asMutation(snapshot)
	_, found, err := s.get(mutationKey(shardID, m).of(infoRow))
	if err != nil {
		return err
	}
	if found {
		return &p.WorkflowConditionFailedError{Msg: fmt.Sprintf("run %s of workflow %s exists", m.ExecutionState.RunId, m.WorkflowID)}
	}
	putExecution(b, shardID, m)
	return nil
}

func (s *executionStore) updateExecution(b *pebble.Batch, shardID int32, m *p.InternalWorkflowMutation) error {
	k := mutationKey(shardID, m)
	if err := s.checkVersion(k, m); err != nil {
		return err
	}
	if m.ClearBufferedEvents {
		if _, err := s.deleteRows(b, k.of(bufferedRow), k.of(bufferedRow+1), 0); err != nil {
			return err
		}
	}
	putExecution(b, shardID, m)
	return nil
}

func (s *executionStore) resetExecution(b *pebble.Batch, shardID int32, snapshot *p.InternalWorkflowSnapshot) error {
	m := asMutation(snapshot)
	k := mutationKey(shardID, m)
	if err := s.checkVersion(k, m); err != nil {
		return err
	}
	if _, err := s.deleteRows(b, k, k.end(), 0); err != nil {
		return err
	}
	putExecution(b, shardID, m)
	return nil
}

func (s *executionStore) checkVersion(k key, m *p.InternalWorkflowMutation) error {
	info, found, err := s.get(k.of(infoRow))
	if err != nil {
		return err
	}
	if !found {
		return &p.ConditionFailedError{Msg: fmt.Sprintf("run %s of workflow %s does not exist", m.ExecutionState.RunId, m.WorkflowID)}
	}
	if info.version == m.DBRecordVersion-1 {
		return nil
	}
	return &p.WorkflowConditionFailedError{
		Msg: fmt.Sprintf("the version is %d, not %d", info.version, m.DBRecordVersion-1), NextEventID: info.extra, DBRecordVersion: info.version,
	}
}

func asMutation(s *p.InternalWorkflowSnapshot) *p.InternalWorkflowMutation {
	return &p.InternalWorkflowMutation{
		NamespaceID: s.NamespaceID, WorkflowID: s.WorkflowID, RunID: s.RunID, ExecutionInfoBlob: s.ExecutionInfoBlob,
		ExecutionState: s.ExecutionState, ExecutionStateBlob: s.ExecutionStateBlob, NextEventID: s.NextEventID,
		LastWriteVersion: s.LastWriteVersion, DBRecordVersion: s.DBRecordVersion, Condition: s.Condition, Tasks: s.Tasks,
		UpsertActivityInfos: s.ActivityInfos, UpsertTimerInfos: s.TimerInfos, UpsertChildExecutionInfos: s.ChildExecutionInfos,
		UpsertRequestCancelInfos: s.RequestCancelInfos, UpsertSignalInfos: s.SignalInfos, UpsertChasmNodes: s.ChasmNodes,
		UpsertSignalRequestedIDs: s.SignalRequestedIDs,
	}
}

func mutationKey(shardID int32, m *p.InternalWorkflowMutation) key {
	return executionKey(shardID, m.NamespaceID, m.WorkflowID, m.ExecutionState.RunId)
}

func putExecution(b *pebble.Batch, shardID int32, m *p.InternalWorkflowMutation) {
	k := mutationKey(shardID, m)
	put(b, k.of(infoRow), row{version: m.DBRecordVersion, extra: m.NextEventID, blob: m.ExecutionInfoBlob})
	put(b, k.of(stateRow), row{blob: m.ExecutionStateBlob})
	putItems(b, k.of(activityRow).int, m.UpsertActivityInfos, m.DeleteActivityInfos)
	putItems(b, func(id string) key { return k.of(timerRow).str(id) }, m.UpsertTimerInfos, m.DeleteTimerInfos)
	putItems(b, k.of(childRow).int, m.UpsertChildExecutionInfos, m.DeleteChildExecutionInfos)
	putItems(b, k.of(requestCancelRow).int, m.UpsertRequestCancelInfos, m.DeleteRequestCancelInfos)
	putItems(b, k.of(signalRow).int, m.UpsertSignalInfos, m.DeleteSignalInfos)
	requests := map[string]*commonpb.DataBlob{}
	for id := range m.UpsertSignalRequestedIDs {
		requests[id] = nil
	}
	putItems(b, func(id string) key { return k.of(signalRequestRow).str(id) }, requests, m.DeleteSignalRequestedIDs)
	if m.NewBufferedEvents != nil {
		put(b, k.of(bufferedRow).int(m.DBRecordVersion), row{blob: m.NewBufferedEvents})
	}
	nodes, data := map[string]*commonpb.DataBlob{}, map[string]*commonpb.DataBlob{}
	for path, node := range m.UpsertChasmNodes {
		nodes[path], data[path] = node.Metadata, node.Data
	}
	putItems(b, func(path string) key { return k.of(chasmRow).str(path) }, nodes, m.DeleteChasmNodes)
	putItems(b, func(path string) key { return k.of(chasmDataRow).str(path) }, data, m.DeleteChasmNodes)
	putTasks(b, shardID, m.Tasks)
}

func putItems[ID comparable](b *pebble.Batch, keyOf func(ID) key, upserts map[ID]*commonpb.DataBlob, deletes map[ID]struct{}) {
	for id, blob := range upserts {
		put(b, keyOf(id), row{blob: blob})
	}
	for id := range deletes {
		_ = b.Delete(keyOf(id), nil)
	}
}
