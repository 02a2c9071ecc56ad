// Package records stores one Record per picture in Cosmos DB. Create never overwrites a Record, and Replace
// overwrites only the version that was read. The package does not retry.
// The container also has one document per UTC day, which counts annotations (DailyLimit).
package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/aws/aws-sdk-go-v2/aws"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// The partition key is /id, so every read and write is a point operation.
const (
	Database      = "triptych"
	ContainerName = "pictures"
	PartitionKey  = "/id"
)

// MaxSize, in bytes, leaves 4 KiB for properties that Cosmos DB adds to an item of at most 2 MB
// (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const MaxSize = 2<<20 - 4<<10

// Federation takes precedence over Key. If both are empty, Open uses Azure's default credential chain.
type Config struct {
	Endpoint   string // COSMOS_ENDPOINT
	Key        string // COSMOS_KEY
	Federation string // AZURE_FEDERATION: "aws" or ""
	TenantID   string // AZURE_TENANT_ID, for Federation
	ClientID   string // AZURE_CLIENT_ID, for Federation
	AWS        aws.Config
}

func ConfigFrom(getenv func(string) string, aws aws.Config) Config {
	return Config{
		Endpoint: getenv("COSMOS_ENDPOINT"), Key: getenv("COSMOS_KEY"), Federation: getenv("AZURE_FEDERATION"),
		TenantID: getenv("AZURE_TENANT_ID"), ClientID: getenv("AZURE_CLIENT_ID"), AWS: aws,
	}
}

type Container struct {
	newClient func(*azcosmos.ClientOptions) (*azcosmos.Client, error)
	current   atomic.Pointer[connection]
}

// Open checks the configuration but sends no request.
func Open(c Config) (*Container, error) {
	container := &Container{}
	var err error
	if container.newClient, err = newClient(c); err == nil {
		err = container.connect()
	}
	if err != nil {
		return nil, fmt.Errorf("opening Cosmos DB: %w", err)
	}
	return container, nil
}

var (
	ErrExists     = errors.New("the picture already has a Record")
	ErrNotFound   = errors.New("the picture has no Record")
	ErrChanged    = errors.New("the Record has changed: read it again")
	ErrUnreadable = errors.New("the document is not a Record")                  // another attempt to read it does not help
	ErrUncertain  = errors.New("whether the picture has a Record is uncertain") // a later attempt may succeed
)

// Create fails with ErrExists if the picture already has a Record.
func (c *Container) Create(ctx context.Context, r picture.Record) error {
	return c.writeRecord(ctx, r, "")
}

// Read fails with ErrNotFound if no Record exists, and with ErrUnreadable if the document is not a Record.
func (c *Container) Read(ctx context.Context, id picture.ID) (picture.Record, azcore.ETag, error) {
	var r picture.Record
	etag, err := c.read(ctx, id, &r)
	if err == nil && !r.Status.Settled() {
		return picture.Record{}, "", fmt.Errorf("decoding the document %s: %w: its status is %q", id, ErrUnreadable, r.Status)
	}
	return r, etag, err
}

// Replace fails with ErrChanged if the stored ETag differs from etag, and with ErrNotFound if no Record exists.
func (c *Container) Replace(ctx context.Context, r picture.Record, etag azcore.ETag) error {
	return c.writeRecord(ctx, r, etag)
}

var writtenRecords = telemetry.Counter("triptych.records", "{record}", "new versions of Records in Cosmos DB")

func (c *Container) writeRecord(ctx context.Context, r picture.Record, etag azcore.ETag) error {
	err := c.write(ctx, r.ID, r, etag)
	if err == nil {
		writtenRecords.Add(ctx, 1, metric.WithAttributes(attribute.String("triptych.status", string(r.Status))))
	}
	return err
}

func (c *Container) read(ctx context.Context, id picture.ID, document any) (azcore.ETag, error) {
	var response azcosmos.ItemResponse
	err := c.do(ctx, "reading", id, func(items *azcosmos.ContainerClient) (err error) {
		response, err = items.ReadItem(ctx, partition(id), string(id), nil)
		return err
	})
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(response.Value, document); err != nil {
		return "", fmt.Errorf("decoding the document %s: %w: %v", id, ErrUnreadable, err)
	}
	return response.ETag, nil
}

// write creates the document if etag is "".
func (c *Container) write(ctx context.Context, id picture.ID, document any, etag azcore.ETag) error {
	item, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encoding the document %s: %w", id, err)
	}
	return c.do(ctx, "writing", id, func(items *azcosmos.ContainerClient) error {
		if etag == "" {
			_, err = items.CreateItem(ctx, partition(id), item, nil)
		} else {
			_, err = items.ReplaceItem(ctx, partition(id), string(id), item, &azcosmos.ItemOptions{IfMatchEtag: &etag})
		}
		return err
	})
}

func partition(id picture.ID) azcosmos.PartitionKey {
	return azcosmos.NewPartitionKeyString(string(id))
}
