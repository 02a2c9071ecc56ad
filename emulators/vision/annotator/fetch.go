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
	"syscall"
	"time"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

const (
	maxBytes     = 20_000_000 // of an image (https://cloud.google.com/vision/quotas)
	maxRedirects = 3
	fetchWithin  = 10 * time.Second
)

// What a dialer says of a host that it must not connect to.
var (
	errElsewhere = errors.New("only loopback addresses, localhost and the hosts allowed at start are fetched")
	errHere      = errors.New("this machine is not fetched from for callers from others")
)

// allow reads the hosts that are to be fetched from.
func allow(hosts []string) (map[string]bool, error) {
	allowed := map[string]bool{}
	for _, host := range hosts {
		if host == "" || strings.ContainsAny(host, ":/@ ") && !isAddress(host) {
			return nil, fmt.Errorf("allowing to fetch from %q: not the name or address of a host, without scheme and port", host)
		}
		allowed[hostName(host)] = true
	}
	return allowed, nil
}

// newClient makes a client that reaches what the dialer does, and nothing else, whatever redirects, host files or
// proxy variables say: the last word is the address about to be connected to.
func newClient(d dialer) *http.Client {
	return &http.Client{
		Timeout: fetchWithin,
		Transport: &http.Transport{
			DialContext:        d.dial,
			DisableCompression: true,
			IdleConnTimeout:    fetchWithin,
		},
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return nil
		},
	}
}

// dialer connects to the allowed hosts and, unless it works for callers from elsewhere, to this machine.
type dialer struct {
	allowed map[string]bool
	exposed bool
}

// dial asks a name server for allowed hosts only, which would be a message to the outside: names under localhost
// are this machine (RFC 6761, section 6.3), any other host has to be a loopback address.
func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	name := hostName(host)
	switch {
	case d.allowed[name]:
		return new(net.Dialer).DialContext(ctx, network, address)
	case d.exposed && isLocal(name):
		return nil, errHere
	case d.exposed:
		return nil, errElsewhere
	case isAddress(host):
		return here.DialContext(ctx, network, address)
	case isLocal(name):
		conn, err := here.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return here.DialContext(ctx, network, net.JoinHostPort("::1", port))
		}
		return conn, nil
	}
	return nil, errElsewhere
}

// isLocal tells whether a host is this machine by its name, or its address.
func isLocal(name string) bool {
	if to, err := netip.ParseAddr(name); err == nil {
		return to.Unmap().IsLoopback() || to.Unmap().IsUnspecified()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// here connects to loopback addresses only.
var here = &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
	if to, err := netip.ParseAddrPort(address); err != nil || !to.Addr().Unmap().IsLoopback() {
		return errElsewhere
	}
	return nil
}}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// hostName is the one way to write a host's name, of the several that mean the same.
func hostName(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }

// fetch gets the picture a source names. Like Google it does not say why it could not; the log does, without
// the URL, which may be signed.
func (s service) fetch(ctx context.Context, source *visionpb.ImageSource) ([]byte, error) {
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
		if named, ok := errors.AsType[*url.Error](err); ok {
			err = named.Err
		}
		slog.DebugContext(ctx, "could not fetch a picture", "error", err)
		if errors.Is(err, errHere) {
			return nil, errExposed
		}
		return nil, errInaccessible
	}
	if len(data) > maxBytes {
		return nil, errManyBytes
	}
	return data, nil
}

// get reads at most a byte more than maxBytes.
func (s service) get(ctx context.Context, uri string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.web.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
}
