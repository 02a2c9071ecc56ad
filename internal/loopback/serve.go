package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Serve serves until ctx ends, then completes open requests.
func Serve(ctx context.Context, ln net.Listener, server *http.Server) error {
	stopped := make(chan struct{})
	unregister := context.AfterFunc(ctx, func() {
		defer close(stopped)
		server.Shutdown(context.Background()) // returns after the last response
	})
	defer unregister()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving on %s: %w", ln.Addr(), err)
	}
	<-stopped
	return nil
}
