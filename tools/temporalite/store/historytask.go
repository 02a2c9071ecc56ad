package store

import (
	"context"
	"time"

	"github.com/cockroachdb/pebble/v2"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/service/history/tasks"
)

// taskRange is the key of a category's tasks in a shard.
func taskRange(shardID int32, c tasks.Category) key {
	return historyTasks.key().int(int64(shardID)).int(int64(c.ID()))
}

// taskKey sorts tasks by fire time, which is tasks.DefaultFireTime for immediate ones.
func taskKey(prefix key, k tasks.Key) key { return prefix.int(k.FireTime.UnixNano()).int(k.TaskID) }

func putTasks(b *pebble.Batch, shardID int32, all map[tasks.Category][]p.InternalHistoryTask) {
	for category, some := range all {
		for _, task := range some {
			put(b, taskKey(taskRange(shardID, category), task.Key), row{blob: task.Blob})
		}
	}
}

func (s *executionStore) AddHistoryTasks(_ context.Context, r *p.InternalAddHistoryTasksRequest) error {
	return s.updateShard(r.ShardID, r.RangeID, func(b *pebble.Batch) error {
		putTasks(b, r.ShardID, r.Tasks)
		return nil
	})
}

func (s *executionStore) GetHistoryTasks(_ context.Context, r *p.GetHistoryTasksRequest) (_ *p.InternalGetHistoryTasksResponse, err error) {
	k := taskRange(r.ShardID, r.TaskCategory)
	first, end := taskKey(k, r.InclusiveMinTaskKey), taskKey(k, r.ExclusiveMaxTaskKey)
	response := &p.InternalGetHistoryTasksResponse{}
	response.NextPageToken, err = s.scan(first, end, page{size: r.BatchSize, token: r.NextPageToken}, func(taskKey key, r row) {
		fireTime, rest := taskKey[len(k):].cutInt()
		taskID, _ := rest.cutInt()
		response.Tasks = append(response.Tasks, p.InternalHistoryTask{Key: tasks.NewKey(time.Unix(0, fireTime).UTC(), taskID), Blob: r.blob})
	})
	return response, err
}

func (s *executionStore) CompleteHistoryTask(_ context.Context, r *p.CompleteHistoryTaskRequest) error {
	k := taskRange(r.ShardID, r.TaskCategory)
	return s.update(k, func(b *pebble.Batch) error { return b.Delete(taskKey(k, r.TaskKey), nil) })
}

func (s *executionStore) RangeCompleteHistoryTasks(_ context.Context, r *p.RangeCompleteHistoryTasksRequest) error {
	k := taskRange(r.ShardID, r.TaskCategory)
	return s.update(k, func(b *pebble.Batch) error {
		return b.DeleteRange(taskKey(k, r.InclusiveMinTaskKey), taskKey(k, r.ExclusiveMaxTaskKey), nil)
	})
}
