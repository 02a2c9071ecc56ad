package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

var errOriginSilent = errors.New("the origin sent nothing for too long")

// originTimeout ends a response whose headers, or whose next bytes, do not arrive within the limit.
type originTimeout struct {
	http.RoundTripper
	limit time.Duration
}

func (o originTimeout) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	timer := time.AfterFunc(o.limit, func() { cancel(errOriginSilent) })
	res, err := o.RoundTripper.RoundTrip(r.WithContext(ctx))
	inTime := timer.Stop()
	if err == nil && !inTime { // the response arrived while the limit expired
		err = errors.Join(errOriginSilent, res.Body.Close())
	}
	if err != nil {
		err = errors.Join(err, context.Cause(ctx))
		cancel(nil)
		return nil, err
	}
	res.Body = &timedBody{res.Body, timer, o.limit, cancel}
	return res, nil
}

type timedBody struct {
	io.ReadCloser
	timer  *time.Timer
	limit  time.Duration
	cancel context.CancelCauseFunc
}

func (b *timedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop() // the viewer may read slowly
	return n, err
}

func (b *timedBody) Close() error {
	b.cancel(nil)
	return b.ReadCloser.Close()
}
