package records

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
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

// client is an azcosmos client that is made anew until it has once reached the account. azcosmos asks for
// the account document before anything else and, when that fails, repeats the failure to every caller
// for five minutes; a cloud that is back would still look down.
type client struct {
	connect func() (*connection, error)

	mu      sync.Mutex
	current *connection // nil until the first call, and after one that did not reach the account
}

type connection struct {
	account *azcosmos.Client
	once    *once
}

func newClient(endpoint, key string) (*client, error) {
	if u, err := url.Parse(endpoint); err != nil || u.Host == "" {
		return nil, errors.New("the endpoint is not a URL like https://NAME.documents.azure.com (COSMOS_ENDPOINT)")
	}
	endpoint = strings.TrimSuffix(endpoint, "/")
	dial, err := dialer(endpoint, key)
	if err != nil {
		return nil, err
	}
	return &client{connect: func() (*connection, error) {
		limit := &once{}
		options := &azcosmos.ClientOptions{ClientOptions: azcore.ClientOptions{
			Retry:            policy.RetryOptions{MaxRetries: -1},
			PerRetryPolicies: []policy.Policy{limit},
		}}
		account, err := dial(options)
		if err != nil {
			return nil, err
		}
		return &connection{account, limit}, nil
	}}, nil
}

// dialer connects by federation if AZURE_FEDERATION asks for it, else by the key, else by what Azure's own library finds.
func dialer(endpoint, key string) (func(*azcosmos.ClientOptions) (*azcosmos.Client, error), error) {
	from := os.Getenv("AZURE_FEDERATION")
	if from == "" && key != "" {
		credential, err := azcosmos.NewKeyCredential(key)
		if err != nil {
			return nil, fmt.Errorf("the key is not base64, copy the whole key (COSMOS_KEY): %w", err)
		}
		return func(o *azcosmos.ClientOptions) (*azcosmos.Client, error) {
			return azcosmos.NewClientWithKey(endpoint, credential, o)
		}, nil
	}
	credential, err := identity(from)
	if err != nil {
		return nil, err
	}
	return func(o *azcosmos.ClientOptions) (*azcosmos.Client, error) {
		return azcosmos.NewClient(endpoint, credential, o)
	}, nil
}

func identity(from string) (azcore.TokenCredential, error) {
	if from != "" {
		return federate(from)
	}
	return azidentity.NewDefaultAzureCredential(nil)
}

// do runs operation on a client that works, as far as is known.
func (c *client) do(ctx context.Context, operation func(context.Context, *azcosmos.Client) error) error {
	used, err := c.take()
	if err != nil {
		return err
	}
	err = operation(ctx, used.account)
	if err != nil && !used.once.arrived.Load() {
		c.drop(used)
	}
	return err
}

func (c *client) take() (*connection, error) {
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

// accountTimeout bounds the question for the account document, which azcosmos asks with a minute of its
// own whatever deadline its caller has.
const accountTimeout = 5 * time.Second

// once makes one call one request. azcosmos repeats lost connections (up to four times, a second apart)
// and some 5xx by itself, and has no switch for it: it repeats what it recognises, so it is shown an
// error it does not. A 403 it keeps, since that is how an account that moved to another region says so.
type once struct {
	arrived atomic.Bool // the account document was read, so azcosmos went on to the call itself
}

func (o *once) Do(r *policy.Request) (*http.Response, error) {
	if r.Raw().URL.Path == "" || r.Raw().URL.Path == "/" {
		ctx, cancel := context.WithTimeout(r.Raw().Context(), accountTimeout)
		defer cancel()
		return r.Clone(ctx).Next()
	}
	o.arrived.Store(true)
	answer, err := r.Next()
	switch {
	case err != nil && r.Raw().Context().Err() == nil:
		return nil, lost{err.Error()}
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode >= 500:
		return nil, runtime.NewResponseError(answer)
	}
	return answer, nil
}

// lost is a connection that failed. It wraps nothing on purpose; see once.
type lost struct{ reason string }

func (e lost) Error() string { return "the connection to Cosmos DB failed: " + e.reason }
