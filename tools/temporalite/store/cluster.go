package store

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

type clusterStore struct{ *database }

func (s clusterStore) ListClusterMetadata(_ context.Context, r *p.InternalListClusterMetadataRequest) (_ *p.InternalListClusterMetadataResponse, err error) {
	all := clusterMetadata.key()
	response := &p.InternalListClusterMetadataResponse{}
	response.NextPageToken, err = s.scan(all, all.end(), page{size: r.PageSize, token: r.NextPageToken}, func(_ key, r row) {
		response.ClusterMetadata = append(response.ClusterMetadata, &p.InternalGetClusterMetadataResponse{ClusterMetadata: r.blob, Version: r.version})
	})
	return response, err
}

func (s clusterStore) GetClusterMetadata(_ context.Context, r *p.InternalGetClusterMetadataRequest) (*p.InternalGetClusterMetadataResponse, error) {
	metadata, err := s.find(clusterMetadata.key().str(r.ClusterName), "cluster %s", r.ClusterName)
	if err != nil {
		return nil, err
	}
	return &p.InternalGetClusterMetadataResponse{ClusterMetadata: metadata.blob, Version: metadata.version}, nil
}

func (s clusterStore) SaveClusterMetadata(_ context.Context, r *p.InternalSaveClusterMetadataRequest) (bool, error) {
	k := clusterMetadata.key().str(r.ClusterName)
	err := s.update(k, func(b *pebble.Batch) error {
		old, _, err := s.get(k)
		if err == nil && old.version != r.Version {
			err = serviceerror.NewUnavailablef("the metadata of cluster %s have version %d, not %d", r.ClusterName, old.version, r.Version)
		}
		if err != nil {
			return err
		}
		put(b, k, row{version: r.Version + 1, blob: r.ClusterMetadata})
		return nil
	})
	return err == nil, err
}

func (s clusterStore) DeleteClusterMetadata(_ context.Context, r *p.InternalDeleteClusterMetadataRequest) error {
	k := clusterMetadata.key().str(r.ClusterName)
	return s.update(k, func(b *pebble.Batch) error { return b.Delete(k, nil) })
}

// members are the server's services. They are not stored: all run in the process that opened the database.
type members struct {
	sync.Mutex
	byHost map[string]*p.ClusterMember
}

func (s clusterStore) UpsertClusterMembership(_ context.Context, r *p.UpsertClusterMembershipRequest) error {
	s.members.Lock()
	defer s.members.Unlock()
	if s.members.byHost == nil {
		s.members.byHost = map[string]*p.ClusterMember{}
	}
	now := time.Now().UTC()
	s.members.byHost[string(r.HostID)] = &p.ClusterMember{
		Role: r.Role, HostID: r.HostID, RPCAddress: r.RPCAddress, RPCPort: r.RPCPort, SessionStart: r.SessionStart, LastHeartbeat: now, RecordExpiry: now.Add(r.RecordExpiry),
	}
	return nil
}

func (s clusterStore) GetClusterMembers(_ context.Context, r *p.GetClusterMembersRequest) (*p.GetClusterMembersResponse, error) {
	s.members.Lock()
	defer s.members.Unlock()
	now := time.Now()
	response := &p.GetClusterMembersResponse{}
	for _, id := range slices.Sorted(maps.Keys(s.members.byHost)) {
		m := s.members.byHost[id]
		matches := m.RecordExpiry.After(now) && id > string(r.NextPageToken) &&
			(r.HostIDEquals == nil || bytes.Equal(r.HostIDEquals, m.HostID)) &&
			(r.RPCAddressEquals == nil || r.RPCAddressEquals.Equal(m.RPCAddress)) &&
			(r.RoleEquals == p.All || r.RoleEquals == m.Role) &&
			(r.LastHeartbeatWithin == 0 || m.LastHeartbeat.After(now.Add(-r.LastHeartbeatWithin))) &&
			!m.SessionStart.Before(r.SessionStartedAfter)
		if !matches {
			continue
		}
		member := *m
		response.ActiveMembers = append(response.ActiveMembers, &member)
		if len(response.ActiveMembers) == r.PageSize {
			response.NextPageToken = m.HostID
			break
		}
	}
	return response, nil
}

func (s clusterStore) PruneClusterMembership(context.Context, *p.PruneClusterMembershipRequest) error {
	s.members.Lock()
	defer s.members.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.members.byHost, func(_ string, m *p.ClusterMember) bool { return m.RecordExpiry.Before(now) })
	return nil
}
