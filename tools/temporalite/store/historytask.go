package store

import (
	"context"
	"math"
	"time"

	"github.com/cockroachdb/pebble/v2"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/service/history/tasks"
)

// taskRange is the key of a category's tasks in a shard.
func taskRange(shardID int32, c tasks.Category) key {
	return historyTasks.key().int(int64(shardID)).int(int64(c.ID()))
}

// taskKey sorts scheduled tasks by fire time. Immediate tasks have none.
func taskKey(prefix key, c tasks.Category, k tasks.Key) key {
	if c.Type() == tasks.CategoryTypeImmediate {
		return prefix.int(0).int(k.TaskID)
	}
	return prefix.int(k.FireTime.UnixNano()).int(k.TaskID)
}

func putTasks(b *pebble.Batch, shardID int32, all map[tasks.Category][]p.InternalHistoryTask) {
	for category, some := range all {
		for _, task := range some {
			put(b, taskKey(taskRange(shardID, category), category, task.Key), row{blob: task.Blob})
		}
	}
}

func (s *executionStore) AddHistoryTasks(_ context.Context, r *p.InternalAddHistoryTasksRequest) error {
	return s.updateShard(r.ShardID, r.RangeID, func(b *pebble.Batch) error {
		putTasks(b, r.ShardID, r.Tasks)
		return nil
	})
}

func (s *executionStore) GetHistoryTasks(_ context.Context, r *p.GetHistoryTasksRequest) (*p.InternalGetHistoryTasksResponse, error) {
	return s.readTasks(taskRange(r.ShardID, r.TaskCategory), r)
}

func (s *executionStore) CompleteHistoryTask(_ context.Context, r *p.CompleteHistoryTaskRequest) error {
	return s.deleteTask(taskRange(r.ShardID, r.TaskCategory), r)
}

func (s *executionStore) RangeCompleteHistoryTasks(_ context.Context, r *p.RangeCompleteHistoryTasksRequest) error {
	return s.deleteTasks(taskRange(r.ShardID, r.TaskCategory), r)
}

func (s *executionStore) readTasks(k key, r *p.GetHistoryTasksRequest) (_ *p.InternalGetHistoryTasksResponse, err error) {
	first, end := taskKey(k, r.TaskCategory, r.InclusiveMinTaskKey), taskKey(k, r.TaskCategory, r.ExclusiveMaxTaskKey)
	response := &p.InternalGetHistoryTasksResponse{}
	response.NextPageToken, err = s.scan(first, end, page{size: r.BatchSize, token: r.NextPageToken}, func(taskKey key, r row) {
		fireTime, rest := taskKey[len(k):].cutInt()
		taskID, _ := rest.cutInt()
		response.Tasks = append(response.Tasks, p.InternalHistoryTask{Key: tasks.NewKey(time.Unix(0, fireTime).UTC(), taskID), Blob: r.blob})
	})
	return response, err
}

func (s *executionStore) deleteTask(k key, r *p.CompleteHistoryTaskRequest) error {
	return s.update(k, func(b *pebble.Batch) error { return b.Delete(taskKey(k, r.TaskCategory, r.TaskKey), nil) })
}

func (s *executionStore) deleteTasks(k key, r *p.RangeCompleteHistoryTasksRequest) error {
	return s.update(k, func(b *pebble.Batch) error {
		return b.DeleteRange(taskKey(k, r.TaskCategory, r.InclusiveMinTaskKey), taskKey(k, r.TaskCategory, r.ExclusiveMaxTaskKey), nil)
	})
}

func dlqRange(shardID int32, cluster string) key {
	return replicationDLQ.key().int(int64(shardID)).str(cluster)
}

func (s *executionStore) PutReplicationTaskToDLQ(_ context.Context, r *p.PutReplicationTaskToDLQRequest) error {
	blob, err := serialization.ReplicationTaskInfoToBlob(r.TaskInfo)
	if err != nil {
		return err
	}
	k := tasks.NewImmediateKey(r.TaskInfo.TaskId)
	return s.write(taskKey(dlqRange(r.ShardID, r.SourceClusterName), tasks.CategoryReplication, k), row{blob: blob})
}

func (s *executionStore) GetReplicationTasksFromDLQ(_ context.Context, r *p.GetReplicationTasksFromDLQRequest) (*p.InternalGetReplicationTasksFromDLQResponse, error) {
	return s.readTasks(dlqRange(r.ShardID, r.SourceClusterName), &r.GetHistoryTasksRequest)
}

func (s *executionStore) DeleteReplicationTaskFromDLQ(_ context.Context, r *p.DeleteReplicationTaskFromDLQRequest) error {
	return s.deleteTask(dlqRange(r.ShardID, r.SourceClusterName), &r.CompleteHistoryTaskRequest)
}

func (s *executionStore) RangeDeleteReplicationTaskFromDLQ(_ context.Context, r *p.RangeDeleteReplicationTaskFromDLQRequest) error {
	return s.deleteTasks(dlqRange(r.ShardID, r.SourceClusterName), &r.RangeCompleteHistoryTasksRequest)
}

func (s *executionStore) IsReplicationDLQEmpty(ctx context.Context, r *p.GetReplicationTasksFromDLQRequest) (bool, error) {
	rest := *r
	rest.ExclusiveMaxTaskKey, rest.BatchSize, rest.NextPageToken = tasks.NewImmediateKey(math.MaxInt64), 1, nil
	response, err := s.GetReplicationTasksFromDLQ(ctx, &rest)
	return err == nil && len(response.Tasks) == 0, err
}
