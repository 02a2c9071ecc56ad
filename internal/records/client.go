package records

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// client is a Cosmos DB client that makes a new azcosmos client for each call until one has reached the account.
// azcosmos reads the account document before anything else. If that request fails, the azcosmos client returns the same
// error to all callers for five minutes, even if Cosmos DB is available again.
type client struct {
	connect func() (*connection, error)

	mu      sync.Mutex
	current *connection // nil before the first call, and after a call that did not reach the account
}

type connection struct {
	account *azcosmos.Client
	noRetry *noRetry
}

func newClient(c Config) (*client, error) {
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" {
		return nil, errors.New("the endpoint is not a URL like https://NAME.documents.azure.com (COSMOS_ENDPOINT)")
	}
	open, err := opener(c)
	if err != nil {
		return nil, err
	}
	return &client{connect: func() (*connection, error) {
		noRetry := &noRetry{}
		account, err := open(&azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{
			Retry:            policy.RetryOptions{MaxRetries: -1},
			PerRetryPolicies: []policy.Policy{noRetry},
		}})
		if err != nil {
			return nil, err
		}
		return &connection{account, noRetry}, nil
	}}, nil
}

// opener returns a function that makes an azcosmos client with the configured credentials.
func opener(c Config) (func(*azcosmos.ClientOptions) (*azcosmos.Client, error), error) {
	endpoint := strings.TrimSuffix(c.Endpoint, "/")
	if c.Federation == "" && c.Key != "" {
		credential, err := azcosmos.NewKeyCredential(c.Key)
		if err != nil {
			return nil, fmt.Errorf("the key is not base64, copy the whole key (COSMOS_KEY): %w", err)
		}
		return func(o *azcosmos.ClientOptions) (*azcosmos.Client, error) {
			return azcosmos.NewClientWithKey(endpoint, credential, o)
		}, nil
	}
	credential, err := tokenCredential(c)
	if err != nil {
		return nil, err
	}
	return func(o *azcosmos.ClientOptions) (*azcosmos.Client, error) {
		return azcosmos.NewClient(endpoint, credential, o)
	}, nil
}

func tokenCredential(c Config) (azcore.TokenCredential, error) {
	if c.Federation != "" {
		return newFederation(c)
	}
	return azidentity.NewDefaultAzureCredential(nil)
}

// do calls operation with the current connection.
func (c *client) do(ctx context.Context, operation func(context.Context, *azcosmos.Client) error) error {
	used, err := c.connection()
	if err != nil {
		return err
	}
	err = operation(ctx, used.account)
	if err != nil && !used.noRetry.reachedAccount.Load() {
		c.drop(used)
	}
	return err
}

func (c *client) connection() (*connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		fresh, err := c.connect()
		if err != nil {
			return nil, err
		}
		c.current = fresh
	}
	return c.current, nil
}

func (c *client) drop(used *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == used {
		c.current = nil
		used.account.Close()
	}
}

// accountTimeout limits the request for the account document. Without it, azcosmos allows one minute, even if the
// caller's deadline is earlier.
const accountTimeout = 5 * time.Second

// noRetry is a policy that prevents azcosmos's own retries: up to four of a lost connection, one second apart, and more
// of some 5xx responses. azcosmos has no option that disables them, so noRetry replaces the errors that azcosmos would
// recognize and retry. It does not replace a 403, because azcosmos uses a 403 to detect an account that has moved to
// another region.
type noRetry struct {
	reachedAccount atomic.Bool // the account document was read
}

func (n *noRetry) Do(r *policy.Request) (*http.Response, error) {
	if r.Raw().URL.Path == "" || r.Raw().URL.Path == "/" {
		ctx, cancel := context.WithTimeout(r.Raw().Context(), accountTimeout)
		defer cancel()
		return r.Clone(ctx).Next()
	}
	n.reachedAccount.Store(true)
	response, err := r.Next()
	switch {
	case err != nil && r.Raw().Context().Err() == nil:
		return nil, connectionError{err.Error()}
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusRequestTimeout || response.StatusCode >= 500:
		return nil, runtime.NewResponseError(response)
	}
	return response, nil
}

// connectionError is the error of a failed connection. It wraps no error, because azcosmos would recognize the wrapped
// error and retry; see noRetry.
type connectionError struct{ reason string }

func (e connectionError) Error() string { return "connecting to Cosmos DB: " + e.reason }
