package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"triptych/local/supervisor"
)

// stage groups processes and goroutines that stop together. The newest stage stops first: the programs stop before
// the emulators.
type stage struct {
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// Only Close cancels the returned context.
func (s *Stack) newStage() context.Context {
	running, stop := context.WithCancel(context.Background())
	s.stages = append(s.stages, &stage{stop: stop})
	return running
}

// If f fails, Wait returns the error.
func (s *Stack) goTask(f func() error) {
	s.stages[len(s.stages)-1].tasks.Go(func() {
		if err := f(); err != nil {
			s.fail(err)
		}
	})
}

func (s *Stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

func (s *Stack) spawn(ctx context.Context, name, executable string, env []string, args ...string) {
	child := s.newChild(name, s.executables[executable], env, args...)
	s.goTask(func() error { return child.Run(ctx) })
}

func (s *Stack) newChild(name, path string, env []string, args ...string) *supervisor.Process {
	child := supervisor.New(name, path, args, env, filepath.Join(s.config.Dir, "logs"), s.config.Output)
	s.children[name] = child
	return child
}

func (s *Stack) listenAndServe(ctx context.Context, name string, handler http.Handler) error {
	ln, err := net.Listen("tcp", s.identity.addr(name))
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	s.serve(ctx, name, ln, handler)
	return nil
}

const requestTimeout = 10 * time.Second

func (s *Stack) serve(ctx context.Context, name string, ln net.Listener, handler http.Handler) {
	server := newServer(handler, requestTimeout)
	s.goTask(func() error {
		defer context.AfterFunc(ctx, func() { server.Close() })()
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving %s: %w", name, err)
		}
		return nil
	})
}

// ReadTimeout does not end event streams, because net/http clears its deadline after reading the request.
func newServer(handler http.Handler, timeout time.Duration) *http.Server {
	return &http.Server{Handler: handler, ReadTimeout: timeout, IdleTimeout: -1} // -1: unlimited
}

func (s *Stack) openLog(name string) (*os.File, error) {
	log, err := os.OpenFile(filepath.Join(s.config.Dir, "logs", name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", name, err)
	}
	s.closers = append(s.closers, log.Close)
	return log, nil
}
