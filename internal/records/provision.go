package records

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// Provision makes the database and the container where they are missing, with time-to-live on and no
// default. It needs a key: an Entra ID token may not make containers
// (https://learn.microsoft.com/azure/cosmos-db/reference-data-plane-security), so in the cloud Terraform does.
func Provision(ctx context.Context, endpoint, key string) error {
	client, err := newClient(endpoint, key)
	if err != nil {
		return fmt.Errorf("provision Cosmos DB at %q: %w", endpoint, err)
	}
	err = client.do(ctx, func(ctx context.Context, account *azcosmos.Client) error {
		_, err := account.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: Database}, nil)
		if err != nil && !exists(err) {
			return fmt.Errorf("create the database %s: %w", Database, err)
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
			return fmt.Errorf("create the container %s: %w", ContainerName, err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("provision Cosmos DB at %q: %w", endpoint, err)
	}
	return nil
}

func exists(err error) bool {
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && answer.StatusCode == http.StatusConflict
}
