// Package records keeps one Record per picture in Cosmos DB. Create never overwrites, Replace only what
// it was shown, and one call is one request: who calls decides when to try again. It knows nothing of S3,
// Vision or Temporal.
package records

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"triptych/picture"
)

// Where the Records are. The partition key is /id, so that every read and write is a point operation.
const (
	Database      = "triptych"
	ContainerName = "pictures"
	PartitionKey  = "/id"
)

// MaxSize is the largest Record that is sure to fit, in bytes as Encode gives them. Cosmos DB takes items
// of 2 MB (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits); whether it counts
// the properties it adds is not said, so they are left room.
const MaxSize = 2<<20 - 4<<10

// Container is the container of Records.
type Container struct{ client *client }

// Open prepares to talk to the account at endpoint; nothing is sent yet. Without a key it identifies
// itself with Azure's default credential chain.
func Open(endpoint, key string) (*Container, error) {
	client, err := newClient(endpoint, key)
	if err != nil {
		return nil, fmt.Errorf("open Cosmos DB at %q: %w", endpoint, err)
	}
	return &Container{client}, nil
}

// Encode is a Record as it is sent: what has to fit into MaxSize.
func Encode(r picture.Record) ([]byte, error) {
	item, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the Record of %s: %w", r.ID.Redacted(), err)
	}
	return item, nil
}

// Create writes a Record where there is none, else it is ErrExists.
func (c *Container) Create(ctx context.Context, r picture.Record) error {
	item, err := Encode(r)
	if err != nil {
		return err
	}
	err = c.do(ctx, func(ctx context.Context, items *azcosmos.ContainerClient) error {
		_, err := items.CreateItem(ctx, partition(r.ID), item, nil)
		return err
	})
	return explain("create", r.ID, err)
}

// Read gives a picture's Record and the ETag by which Replace knows it; ErrNotFound when there is none, ErrUnreadable
// when what there is is none.
func (c *Container) Read(ctx context.Context, id picture.ID) (picture.Record, azcore.ETag, error) {
	var answer azcosmos.ItemResponse
	err := c.do(ctx, func(ctx context.Context, items *azcosmos.ContainerClient) (err error) {
		answer, err = items.ReadItem(ctx, partition(id), string(id), nil)
		return err
	})
	if err != nil {
		return picture.Record{}, "", explain("read", id, err)
	}
	var r picture.Record
	if err := json.Unmarshal(answer.Value, &r); err != nil {
		return picture.Record{}, "", fmt.Errorf("decode the Record of %s: %w: %v", id.Redacted(), ErrUnreadable, err)
	}
	return r, answer.ETag, nil
}

// Replace overwrites the Record that was read with etag; ErrChanged if it is another by now, ErrNotFound
// if it is gone.
func (c *Container) Replace(ctx context.Context, r picture.Record, etag azcore.ETag) error {
	item, err := Encode(r)
	if err != nil {
		return err
	}
	err = c.do(ctx, func(ctx context.Context, items *azcosmos.ContainerClient) error {
		_, err := items.ReplaceItem(ctx, partition(r.ID), string(r.ID), item, &azcosmos.ItemOptions{IfMatchEtag: &etag})
		return err
	})
	return explain("replace", r.ID, err)
}

func (c *Container) do(ctx context.Context, operation func(context.Context, *azcosmos.ContainerClient) error) error {
	return c.client.do(ctx, func(ctx context.Context, account *azcosmos.Client) error {
		items, err := account.NewContainer(Database, ContainerName)
		if err != nil {
			return err
		}
		return operation(ctx, items)
	})
}

func partition(id picture.ID) azcosmos.PartitionKey {
	return azcosmos.NewPartitionKeyString(string(id))
}
