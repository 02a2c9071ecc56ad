package store

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	p "go.temporal.io/server/common/persistence"
)

func (s taskStore) GetTaskQueueUserData(_ context.Context, r *p.GetTaskQueueUserDataRequest) (*p.InternalGetTaskQueueUserDataResponse, error) {
	data, err := s.find(userData.key().str(r.NamespaceID, r.TaskQueue), "user data of task queue %s", r.TaskQueue)
	if err != nil {
		return nil, err
	}
	return &p.InternalGetTaskQueueUserDataResponse{Version: data.version, UserData: data.blob}, nil
}

func (s taskStore) UpdateTaskQueueUserData(_ context.Context, r *p.InternalUpdateTaskQueueUserDataRequest) error {
	namespace := userData.key().str(r.NamespaceID)
	err := s.update(namespace, func(b *pebble.Batch) error {
		for name, update := range r.Updates {
			old, _, err := s.get(namespace.str(name))
			if err != nil {
				return err
			}
			if old.version != update.Version {
				if update.Conflicting != nil {
					*update.Conflicting = true
				}
				return &p.ConditionFailedError{Msg: fmt.Sprintf("the user data of task queue %s have version %d, not %d", name, old.version, update.Version)}
			}
			put(b, namespace.str(name), row{version: update.Version + 1, blob: update.UserData})
			for _, id := range update.BuildIdsAdded {
				put(b, buildIDs.key().str(r.NamespaceID, id, name), row{})
			}
			for _, id := range update.BuildIdsRemoved {
				_ = b.Delete(buildIDs.key().str(r.NamespaceID, id, name), nil)
			}
		}
		return nil
	})
	for _, update := range r.Updates {
		if update.Applied != nil {
			*update.Applied = err == nil
		}
	}
	return err
}

func (s taskStore) ListTaskQueueUserDataEntries(_ context.Context, r *p.ListTaskQueueUserDataEntriesRequest) (_ *p.InternalListTaskQueueUserDataEntriesResponse, err error) {
	namespace := userData.key().str(r.NamespaceID)
	response := &p.InternalListTaskQueueUserDataEntriesResponse{}
	response.NextPageToken, err = s.scan(namespace, namespace.end(), page{size: r.PageSize, token: r.NextPageToken}, func(k key, r row) {
		name, _ := k[len(namespace):].cutStr()
		response.Entries = append(response.Entries, p.InternalTaskQueueUserDataEntry{TaskQueue: name, Data: r.blob, Version: r.version})
	})
	return response, err
}

func (s taskStore) GetTaskQueuesByBuildId(_ context.Context, r *p.GetTaskQueuesByBuildIdRequest) ([]string, error) {
	names := []string{}
	build := buildIDs.key().str(r.NamespaceID, r.BuildID)
	_, err := s.scan(build, build.end(), page{}, func(k key, _ row) {
		name, _ := k[len(build):].cutStr()
		names = append(names, name)
	})
	return names, err
}

func (s taskStore) CountTaskQueuesByBuildId(ctx context.Context, r *p.CountTaskQueuesByBuildIdRequest) (int, error) {
	names, err := s.GetTaskQueuesByBuildId(ctx, &p.GetTaskQueuesByBuildIdRequest{NamespaceID: r.NamespaceID, BuildID: r.BuildID})
	return len(names), err
}
