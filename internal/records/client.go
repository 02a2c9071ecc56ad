package records

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"triptych/internal/settings"
	"triptych/internal/telemetry"
	"triptych/picture"
)

func newClient(c Config) (func(*azcosmos.ClientOptions) (*azcosmos.Client, error), error) {
	endpoint, err := ParseEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	var credential azcore.TokenCredential
	switch {
	case c.Federation != "":
		credential, err = newFederation(c)
	case c.Key != "":
		key, err := azcosmos.NewKeyCredential(c.Key)
		if err != nil {
			return nil, fmt.Errorf("the key is not base64, copy the whole key (COSMOS_KEY): %w", err)
		}
		return func(o *azcosmos.ClientOptions) (*azcosmos.Client, error) {
			return azcosmos.NewClientWithKey(endpoint, key, o)
		}, nil
	default:
		credential, err = azidentity.NewDefaultAzureCredential(nil)
	}
	return func(o *azcosmos.ClientOptions) (*azcosmos.Client, error) {
		return azcosmos.NewClient(endpoint, credential, o)
	}, err
}

// ParseEndpoint checks COSMOS_ENDPOINT. Its error omits the value, which may be a connection string with the account's key.
func ParseEndpoint(endpoint string) (string, error) {
	base := strings.TrimSuffix(endpoint, "/")
	if !settings.IsOrigin(base) {
		return "", errors.New("COSMOS_ENDPOINT must be the URI of the account, such as https://NAME.documents.azure.com: copy the URI, not a connection string")
	}
	return base, nil
}

type connection struct {
	items      *azcosmos.ContainerClient
	hasAccount atomic.Bool // azcosmos has read the account document, which it needs first
}

func (c *Container) connect() error {
	fresh := &connection{}
	client, err := c.newClient(&azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{
		Retry: policy.RetryOptions{MaxRetries: -1}, PerRetryPolicies: []policy.Policy{fresh, traced{}},
	}})
	if err != nil {
		return err
	}
	if fresh.items, err = client.NewContainer(Database, ContainerName); err != nil {
		return err
	}
	c.current.Store(fresh)
	return nil
}

// azcosmos v1.5.0 caches a failed read of the account document for five minutes, so `do` then creates a new client.
func (c *Container) do(ctx context.Context, operation string, id picture.ID, call func(*azcosmos.ContainerClient) error) error {
	used, done := c.current.Load(), make(chan error, 1)
	go func() {
		err := call(used.items)
		if err != nil && !used.hasAccount.Load() && c.current.Load() == used {
			_ = c.connect() // no error: Open called it with the same configuration
		}
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done(): // azcosmos ignores ctx while it reads the account document
		err = ctx.Err()
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s the document %s: %w", operation, id, err)
}

var requestCharge = telemetry.Histogram("azure.cosmosdb.client.operation.request_charge", "{request_unit}", "request units of a request to Cosmos DB")

// Names: https://opentelemetry.io/docs/specs/semconv/database/cosmosdb
var operations = map[string]string{http.MethodGet: "read_item", http.MethodPost: "create_item", http.MethodPut: "replace_item"}

func recordCharge(r *http.Response) {
	charge, _ := strconv.ParseFloat(r.Header.Get("x-ms-request-charge"), 64) // 0 if absent
	operation := operations[r.Request.Method]
	if strings.Trim(r.Request.URL.Path, "/") == "" {
		operation = "read_account"
	}
	requestCharge.Record(r.Request.Context(), charge, metric.WithAttributes(
		attribute.String("db.operation.name", operation), attribute.Int("db.response.status_code", r.StatusCode)))
}

// Do returns every failure as a callError, which azcosmos does not retry.
func (c *connection) Do(r *policy.Request) (*http.Response, error) {
	if strings.Trim(r.Raw().URL.Path, "/") == "" {
		// Without a timeout, azcosmos waits one minute for the properties of the account.
		ctx, cancel := context.WithTimeout(r.Raw().Context(), 5*time.Second)
		defer cancel()
		r = r.Clone(ctx)
	} else {
		c.hasAccount.Store(true)
	}
	response, err := r.Next()
	if err != nil {
		return nil, &callError{text: picture.Redact("connecting to Cosmos DB: " + err.Error())}
	}
	recordCharge(response)
	if response.StatusCode == http.StatusForbidden {
		c.hasAccount.Store(false) // the account may have moved to another region
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, refused(response)
	}
	return response, nil
}

type traced struct{}

func (traced) Do(r *policy.Request) (*http.Response, error) {
	return telemetry.Call("CosmosDB", r.Raw(), func(ctx context.Context) (*http.Response, error) { return r.Clone(ctx).Next() })
}
