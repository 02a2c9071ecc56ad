package settings

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// renewBefore is how long before their expiry credentials are renewed. The SDK alone would renew them only at expiry.
// In their last minute, they could not sign a URL that is valid for a minute.
const renewBefore = 2 * time.Minute

// renewing is a credentials provider that renews credentials before they expire. If the renewal fails, it returns the
// old credentials until they expire.
type renewing struct {
	cache    *aws.CredentialsCache
	expiring *atomic.Pointer[aws.Credentials]
}

// Retrieve implements aws.CredentialsProvider.
func (r renewing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	current, err := r.cache.Retrieve(ctx)
	if err == nil && (!current.CanExpire || time.Until(current.Expires) > renewBefore) {
		return current, nil
	}
	if err == nil {
		r.expiring.Store(&current)
		r.cache.Invalidate()
		var renewed aws.Credentials
		if renewed, err = r.cache.Retrieve(ctx); err == nil {
			return renewed, nil
		}
	}
	if old := r.expiring.Load(); old != nil && !old.Expired() {
		return *old, nil
	}
	return aws.Credentials{}, err
}
