package annotator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

const (
	maxBytes     = 20_000_000 // of an image (https://cloud.google.com/vision/quotas)
	maxRedirects = 3
	fetchTimeout = 10 * time.Second
)

var errNotLoopback = errors.New("only loopback addresses and localhost are fetched")

// The emulator may connect only to loopback. A proxy on loopback would bypass this limit, so the Transport has no
// Proxy.
func newClient() *http.Client {
	return &http.Client{
		Timeout:   fetchTimeout,
		Transport: &http.Transport{DialContext: dialLoopback, DisableCompression: true, IdleConnTimeout: fetchTimeout},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return nil
		},
	}
}

// dialLoopback sends no DNS requests. Names that end in .localhost mean 127.0.0.1 (RFC 6761, section 6.3).
func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if name := strings.ToLower(strings.TrimSuffix(host, ".")); name == "localhost" || strings.HasSuffix(name, ".localhost") {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return nil, errNotLoopback
	}
	return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(host, port))
}

// Like Google's service, fetch does not tell the client why a download failed. It logs the reason without the URL,
// because the URL may be signed.
func (s *Server) fetch(ctx context.Context, source *visionpb.ImageSource) ([]byte, error) {
	uri := source.GetImageUri()
	if uri == "" {
		uri = source.GetGcsImageUri()
	}
	switch {
	case uri == "":
		return nil, errIncomplete
	case strings.HasPrefix(uri, "gs://"):
		return nil, errNotAllowed
	}
	data, err := s.get(ctx, uri)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		slog.DebugContext(ctx, "fetching a picture failed", "error", err)
		return nil, errInaccessible
	}
	if len(data) > maxBytes {
		return nil, errTooManyBytes
	}
	return data, nil
}

// get reads at most maxBytes+1 bytes.
func (s *Server) get(ctx context.Context, uri string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the response is %s", response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
}
