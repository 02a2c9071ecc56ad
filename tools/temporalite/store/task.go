package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
)

// taskStore contains the tasks of the matching service. With fairness, a task's level is its pass and its ID; without, the pass is 0.
type taskStore struct {
	p.TaskStore // versioning data
	*database
	fair bool
}

func (s taskStore) queues() key {
	if s.fair {
		return taskQueues.key().int(2)
	}
	return taskQueues.key().int(1)
}

func (s taskStore) queueKey(namespaceID, name string, taskType enumspb.TaskQueueType) key {
	return s.queues().str(namespaceID, name).int(int64(taskType))
}

// tasksOf returns the key of a subqueue's tasks.
func tasksOf(queue key, subqueue int) key {
	return append(matchingTasks.key(), queue[1:]...).int(int64(subqueue))
}

func (s taskStore) CreateTaskQueue(_ context.Context, r *p.InternalCreateTaskQueueRequest) error {
	k := s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType)
	return s.update(k, func(b *pebble.Batch) error {
		if _, found, err := s.get(k); err != nil {
			return err
		} else if found {
			return &p.ConditionFailedError{Msg: fmt.Sprintf("task queue %s exists", r.TaskQueue)}
		}
		put(b, k, row{version: r.RangeID, blob: r.TaskQueueInfo})
		return nil
	})
}

func (s taskStore) GetTaskQueue(_ context.Context, r *p.InternalGetTaskQueueRequest) (*p.InternalGetTaskQueueResponse, error) {
	queue, found, err := s.get(s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType))
	if err == nil && !found {
		err = serviceerror.NewNotFoundf("%v task queue %s does not exist", r.TaskType, r.TaskQueue)
	}
	if err != nil {
		return nil, err
	}
	return &p.InternalGetTaskQueueResponse{RangeID: queue.version, TaskQueueInfo: queue.blob}, nil
}

func (s taskStore) UpdateTaskQueue(_ context.Context, r *p.InternalUpdateTaskQueueRequest) (*p.UpdateTaskQueueResponse, error) {
	k := s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType)
	err := s.updateQueue(k, r.PrevRangeID, func(b *pebble.Batch) error {
		put(b, k, row{version: r.RangeID, blob: r.TaskQueueInfo})
		return nil
	})
	return &p.UpdateTaskQueueResponse{}, err
}

// updateQueue is update for the owner of a task queue.
func (s taskStore) updateQueue(k key, rangeID int64, change func(*pebble.Batch) error) error {
	return s.updateOwned(k, rangeID, func(message string) error { return &p.ConditionFailedError{Msg: "task queue: " + message} }, change)
}

func (s taskStore) DeleteTaskQueue(_ context.Context, r *p.DeleteTaskQueueRequest) error {
	k := s.queueKey(r.TaskQueue.NamespaceID, r.TaskQueue.TaskQueueName, r.TaskQueue.TaskQueueType)
	return s.updateQueue(k, r.RangeID, func(b *pebble.Batch) error { return b.Delete(k, nil) })
}

// expire calls expireQueues each hour.
func (d *database) expire(ctx context.Context, logger *slog.Logger) {
	for {
		if err := d.expireQueues(time.Now()); err != nil && ctx.Err() == nil {
			logger.Error("deleting the task queues of workers that have ended", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}

// expireQueues deletes the sticky queues of workers that have ended, with their tasks. No task is lost: the history service schedules
// a sticky task again in the common queue after its timeout. If the queue of a live worker has expired, because the machine slept, the
// server creates it again. For stores that are not SQL, the server leaves this deletion to the store
// (service/worker/scanner/scanner.go in 1.29.2).
func (d *database) expireQueues(now time.Time) error {
	serializer := serialization.NewSerializer()
	var expired []key
	var invalid error
	isExpired := func(queue row) bool {
		info, err := serializer.TaskQueueInfoFromBlob(queue.blob)
		invalid = errors.Join(invalid, err)
		return info.GetExpiryTime() != nil && info.GetExpiryTime().AsTime().Before(now)
	}
	_, err := d.scan(taskQueues.key(), taskQueues.key().end(), page{}, func(k key, queue row) {
		if isExpired(queue) {
			expired = append(expired, slices.Clone(k))
		}
	})
	for _, k := range expired {
		err = errors.Join(err, d.update(k, func(b *pebble.Batch) error {
			queue, found, err := d.get(k)
			if err != nil || !found || !isExpired(queue) { // its worker has returned
				return err
			}
			_ = b.Delete(k, nil)
			tasks := append(matchingTasks.key(), k[1:]...)
			_, err = d.deleteRows(b, tasks, tasks.end(), 0)
			return err
		}))
	}
	return errors.Join(err, invalid)
}

func (s taskStore) CreateTasks(_ context.Context, r *p.InternalCreateTasksRequest) (*p.CreateTasksResponse, error) {
	k := s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType)
	err := s.updateQueue(k, r.RangeID, func(b *pebble.Batch) error {
		for _, task := range r.Tasks {
			pass := task.TaskPass
			if !s.fair {
				pass = 0
			}
			put(b, tasksOf(k, task.Subqueue).int(pass).int(task.TaskId), row{blob: task.Task})
		}
		return nil
	})
	return &p.CreateTasksResponse{}, err
}

func (s taskStore) GetTasks(_ context.Context, r *p.GetTasksRequest) (_ *p.InternalGetTasksResponse, err error) {
	if s.fair && (r.InclusiveMinPass < 1 || r.ExclusiveMaxTaskID != math.MaxInt64) || !s.fair && r.InclusiveMinPass != 0 {
		return nil, serviceerror.NewInternalf("invalid range of tasks: pass %d, end %d", r.InclusiveMinPass, r.ExclusiveMaxTaskID)
	}
	tasks := tasksOf(s.queueKey(r.NamespaceID, r.TaskQueue, r.TaskType), r.Subqueue)
	end := tasks.end()
	if !s.fair {
		end = tasks.int(0).int(r.ExclusiveMaxTaskID)
	}
	response := &p.InternalGetTasksResponse{Tasks: []*commonpb.DataBlob{}}
	first, some := tasks.int(r.InclusiveMinPass).int(r.InclusiveMinTaskID), page{size: r.PageSize, token: r.NextPageToken}
	response.NextPageToken, err = s.scan(first, end, some, func(_ key, r row) { response.Tasks = append(response.Tasks, r.blob) })
	return response, err
}

func (s taskStore) CompleteTasksLessThan(_ context.Context, r *p.CompleteTasksLessThanRequest) (n int, err error) {
	if s.fair != (r.ExclusiveMaxPass >= 1) {
		return 0, serviceerror.NewInternalf("invalid range of tasks: pass %d", r.ExclusiveMaxPass)
	}
	tasks := tasksOf(s.queueKey(r.NamespaceID, r.TaskQueueName, r.TaskType), r.Subqueue)
	err = s.update(tasks, func(b *pebble.Batch) (err error) {
		n, err = s.deleteRows(b, tasks, tasks.int(r.ExclusiveMaxPass).int(r.ExclusiveMaxTaskID), r.Limit)
		return err
	})
	return n, err
}
