package store

import (
	"context"

	"github.com/cockroachdb/pebble/v2"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	p "go.temporal.io/server/common/persistence"
)

// metadataStore contains the namespaces by ID, an index of their names, and the version that each change of a namespace increases.
type metadataStore struct{ *database }

func (s metadataStore) CreateNamespace(_ context.Context, r *p.InternalCreateNamespaceRequest) (*p.CreateNamespaceResponse, error) {
	err := s.change(func(b *pebble.Batch, version int64) error {
		for _, k := range []key{namespaces.key().str(r.ID), namespaceNames.key().str(r.Name)} {
			if _, found, err := s.get(k); err != nil {
				return err
			} else if found {
				return serviceerror.NewNamespaceAlreadyExistsf("namespace %s exists", r.Name)
			}
		}
		putNamespace(b, r.ID, r.Name, r.IsGlobal, version, r.Namespace)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &p.CreateNamespaceResponse{ID: r.ID}, nil
}

// change passes the version to a function that changes namespaces, and increases it.
func (s metadataStore) change(change func(b *pebble.Batch, version int64) error) error {
	return s.update(namespaceVersion.key(), func(b *pebble.Batch) error {
		version, err := s.version()
		if err != nil {
			return err
		}
		put(b, namespaceVersion.key(), row{version: version + 1})
		return change(b, version)
	})
}

func (s metadataStore) version() (int64, error) {
	r, found, err := s.get(namespaceVersion.key())
	if err == nil && !found {
		return 1, nil // the first version in the SQL stores
	}
	return r.version, err
}

func putNamespace(b *pebble.Batch, id, name string, isGlobal bool, version int64, blob *commonpb.DataBlob) {
	global := int64(0)
	if isGlobal {
		global = 1
	}
	put(b, namespaces.key().str(id), row{version: version, extra: global, blob: blob})
	put(b, namespaceNames.key().str(name), row{blob: &commonpb.DataBlob{Data: []byte(id)}})
}

func namespaceResponse(r row) *p.InternalGetNamespaceResponse {
	return &p.InternalGetNamespaceResponse{Namespace: r.blob, IsGlobal: r.extra == 1, NotificationVersion: r.version}
}

func (s metadataStore) GetNamespace(_ context.Context, r *p.GetNamespaceRequest) (*p.InternalGetNamespaceResponse, error) {
	if (r.ID == "") == (r.Name == "") {
		return nil, serviceerror.NewInvalidArgument("the request must contain either the namespace's ID or its name")
	}
	id := r.ID
	if id == "" {
		name, _, err := s.get(namespaceNames.key().str(r.Name))
		if err != nil {
			return nil, err
		}
		id = string(name.blob.GetData())
	}
	namespace, found, err := s.get(namespaces.key().str(id))
	if err == nil && !found {
		err = serviceerror.NewNamespaceNotFound(r.ID + r.Name)
	}
	if err != nil {
		return nil, err
	}
	return namespaceResponse(namespace), nil
}

func (s metadataStore) UpdateNamespace(ctx context.Context, r *p.InternalUpdateNamespaceRequest) error {
	return s.RenameNamespace(ctx, &p.InternalRenameNamespaceRequest{InternalUpdateNamespaceRequest: r, PreviousName: r.Name})
}

func (s metadataStore) RenameNamespace(_ context.Context, r *p.InternalRenameNamespaceRequest) error {
	return s.change(func(b *pebble.Batch, version int64) error {
		_, found, err := s.get(namespaces.key().str(r.Id))
		if err != nil {
			return err
		}
		if !found || version != r.NotificationVersion {
			return serviceerror.NewUnavailablef("namespace %s was not changed: the version is %d, not %d", r.Name, version, r.NotificationVersion)
		}
		_ = b.Delete(namespaceNames.key().str(r.PreviousName), nil)
		putNamespace(b, r.Id, r.Name, r.IsGlobal, version, r.Namespace)
		return nil
	})
}

func (s metadataStore) DeleteNamespace(_ context.Context, r *p.DeleteNamespaceRequest) error {
	return s.delete(func(_, id string) bool { return id == r.ID })
}

func (s metadataStore) DeleteNamespaceByName(_ context.Context, r *p.DeleteNamespaceByNameRequest) error {
	return s.delete(func(name, _ string) bool { return name == r.Name })
}

func (s metadataStore) delete(matches func(name, id string) bool) error {
	return s.update(namespaceVersion.key(), func(b *pebble.Batch) error {
		_, err := s.scan(namespaceNames.key(), namespaceNames.key().end(), page{}, func(k key, r row) {
			if name, _ := k[1:].cutStr(); matches(name, string(r.blob.Data)) {
				_ = b.Delete(k, nil)
				_ = b.Delete(namespaces.key().str(string(r.blob.Data)), nil)
			}
		})
		return err
	})
}

func (s metadataStore) ListNamespaces(_ context.Context, r *p.InternalListNamespacesRequest) (_ *p.InternalListNamespacesResponse, err error) {
	response := &p.InternalListNamespacesResponse{}
	all, some := namespaces.key(), page{size: r.PageSize, token: r.NextPageToken}
	response.NextPageToken, err = s.scan(all, all.end(), some, func(_ key, r row) {
		response.Namespaces = append(response.Namespaces, namespaceResponse(r))
	})
	return response, err
}

func (s metadataStore) GetMetadata(context.Context) (*p.GetMetadataResponse, error) {
	version, err := s.version()
	return &p.GetMetadataResponse{NotificationVersion: version}, err
}
