package objects

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// renewAhead is how long before they expire credentials are renewed. The SDK does it when they have expired, and in the
// minute before no URL could be signed that lives for a minute.
const renewAhead = 2 * time.Minute

// renewing are credentials that live for a while yet, if there are such to be had; otherwise those there are, to their end.
type renewing struct {
	cache *aws.CredentialsCache
	old   *atomic.Pointer[aws.Credentials] // about to expire
}

func (r renewing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	held, err := r.cache.Retrieve(ctx)
	if err == nil && (!held.CanExpire || time.Until(held.Expires) > renewAhead) {
		return held, nil
	}
	if err == nil {
		r.old.Store(&held)
		r.cache.Invalidate()
		var renewed aws.Credentials
		if renewed, err = r.cache.Retrieve(ctx); err == nil {
			return renewed, nil
		}
	}
	if old := r.old.Load(); old != nil && !old.Expired() {
		return *old, nil
	}
	return aws.Credentials{}, err
}
