package store

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

// nexusStore contains the endpoints and the version that each change of an endpoint increases.
type nexusStore struct{ *database }

// change increases the version if it is the expected one.
func (s nexusStore) change(version int64, change func(*pebble.Batch) error) error {
	return s.update(nexusVersion.key(), func(b *pebble.Batch) error {
		old, _, err := s.get(nexusVersion.key())
		if err != nil {
			return err
		}
		if old.version != version {
			return p.ErrNexusTableVersionConflict
		}
		put(b, nexusVersion.key(), row{version: version + 1})
		return change(b)
	})
}

func (s nexusStore) CreateOrUpdateNexusEndpoint(_ context.Context, r *p.InternalCreateOrUpdateNexusEndpointRequest) error {
	return s.change(r.LastKnownTableVersion, func(b *pebble.Batch) error {
		k := nexusEndpoints.key().str(r.Endpoint.ID)
		old, _, err := s.get(k)
		if err != nil {
			return err
		}
		if old.version != r.Endpoint.Version {
			return p.ErrNexusEndpointVersionConflict
		}
		put(b, k, row{version: r.Endpoint.Version + 1, blob: r.Endpoint.Data})
		return nil
	})
}

func (s nexusStore) DeleteNexusEndpoint(_ context.Context, r *p.DeleteNexusEndpointRequest) error {
	return s.change(r.LastKnownTableVersion, func(b *pebble.Batch) error {
		k := nexusEndpoints.key().str(r.ID)
		_, found, err := s.get(k)
		if err == nil && !found {
			err = notFound(r.ID)
		}
		if err != nil {
			return err
		}
		return b.Delete(k, nil)
	})
}

func notFound(id string) error {
	return serviceerror.NewNotFoundf("nexus endpoint not found for ID: %s", id)
}

func (s nexusStore) GetNexusEndpoint(_ context.Context, r *p.GetNexusEndpointRequest) (*p.InternalNexusEndpoint, error) {
	endpoint, found, err := s.get(nexusEndpoints.key().str(r.ID))
	if err == nil && !found {
		err = notFound(r.ID)
	}
	if err != nil {
		return nil, err
	}
	return &p.InternalNexusEndpoint{ID: r.ID, Version: endpoint.version, Data: endpoint.blob}, nil
}

func (s nexusStore) ListNexusEndpoints(_ context.Context, r *p.ListNexusEndpointsRequest) (*p.InternalListNexusEndpointsResponse, error) {
	version, _, err := s.get(nexusVersion.key())
	if err != nil {
		return nil, err
	}
	response := &p.InternalListNexusEndpointsResponse{TableVersion: version.version}
	if r.LastKnownTableVersion != 0 && r.LastKnownTableVersion != version.version {
		return response, p.ErrNexusTableVersionConflict
	}
	if r.PageSize == 0 { // only the version is wanted
		return response, nil
	}
	all := nexusEndpoints.key()
	response.NextPageToken, err = s.scan(all, all.end(), page{size: r.PageSize, token: r.NextPageToken}, func(k key, r row) {
		id, _ := k[len(all):].cutStr()
		response.Endpoints = append(response.Endpoints, p.InternalNexusEndpoint{ID: id, Version: r.version, Data: r.blob})
	})
	return response, err
}
