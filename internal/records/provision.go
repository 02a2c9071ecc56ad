package records

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// Provision creates the database and the container if they are missing, with time-to-live enabled and no default. It needs a
// key, because an Entra ID token may not create containers
// (https://learn.microsoft.com/azure/cosmos-db/reference-data-plane-security). In the cloud, Terraform creates both.
func Provision(ctx context.Context, c Config) error {
	client, err := newClient(c)
	if err != nil {
		return fmt.Errorf("provisioning Cosmos DB at %q: %w", c.Endpoint, err)
	}
	err = client.do(ctx, func(ctx context.Context, account *azcosmos.Client) error {
		_, err := account.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: Database}, nil)
		if err != nil && !exists(err) {
			return fmt.Errorf("creating the database %s: %w", Database, err)
		}
		database, err := account.NewDatabase(Database)
		if err != nil {
			return err
		}
		never := int32(-1)
		_, err = database.CreateContainer(ctx, azcosmos.ContainerProperties{
			ID:                     ContainerName,
			PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{PartitionKey}},
			DefaultTimeToLive:      &never,
		}, nil)
		if err != nil && !exists(err) {
			return fmt.Errorf("creating the container %s: %w", ContainerName, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("provisioning Cosmos DB at %q: %w", c.Endpoint, err)
	}
	return nil
}

func exists(err error) bool {
	response, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && response.StatusCode == http.StatusConflict
}
