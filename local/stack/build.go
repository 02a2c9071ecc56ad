package stack

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// programs are the product's own binaries, and the S3 gateway, which needs a process to itself.
var programs = map[string]string{"worker": "./worker", "web": "./web", "trigger": "./trigger", "s3": "./emulators/s3"}

// binaries are the paths of everything that runs as a child.
type binaries map[string]string

// build makes every binary, and more if asked, or finds that it is up to date. One build at a time serves all who ask on this
// machine, test packages above all.
func build(ctx context.Context, more map[string]string, say io.Writer) (binaries, error) {
	root, err := ModuleRoot(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	unlock, err := lock(ctx, filepath.Join(cache, "build.lock"), say)
	if err != nil {
		return nil, err
	}
	defer unlock()

	temporal, err := buildTemporal(ctx, root, cache, say)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, fmt.Sprintf("bin-%x", sha256.Sum256([]byte(root)))[:12])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a place for the binaries: %w", err)
	}
	built := binaries{"temporal": temporal}
	args := []string{"build", "-tags", "lambda.norpc", "-o", dir + string(filepath.Separator)}
	for _, each := range []map[string]string{programs, more} {
		for name, pkg := range each {
			args = append(args, pkg)
			built[name] = filepath.Join(dir, filepath.Base(pkg))
		}
	}
	_, err = goCommand(ctx, root, say, "the product's own programs", args...)
	return built, err
}

// buildTemporal makes the Temporal CLI, which is also the dev server, exactly as
// "go tool -modfile=tools/go.mod temporal" does, so that both share one build. Where it is, is remembered
// for as long as tools/go.sum and Go stay the same: asking go takes seconds.
func buildTemporal(ctx context.Context, root, cache string, say io.Writer) (string, error) {
	sums, err := os.ReadFile(filepath.Join(root, "tools", "go.sum"))
	if err != nil {
		return "", fmt.Errorf("finding the version of Temporal: %w", err)
	}
	key := sha256.Sum256(append(sums, runtime.Version()...))
	memo := filepath.Join(cache, fmt.Sprintf("temporal-%x", key[:8]))
	if path, err := os.ReadFile(memo); err == nil {
		if _, err := os.Stat(string(path)); err == nil {
			return string(path), nil
		}
	}
	out, err := goCommand(ctx, root, say, "the Temporal dev server (the first time takes minutes)",
		"tool", "-n", "-modfile=tools/go.mod", "temporal")
	if err != nil {
		return "", err
	}
	path := strings.TrimSpace(out)
	return path, os.WriteFile(memo, []byte(path), 0o644)
}

// goCommand runs go in the module's root and says, when it takes long, that it is still at work.
func goCommand(ctx context.Context, root string, say io.Writer, what string, args ...string) (string, error) {
	started := time.Now()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for pause := 2 * time.Second; ; pause = 10 * time.Second {
			select {
			case <-done:
				return
			case <-time.After(pause):
				fmt.Fprintf(say, "  building %s: %s\n", what, time.Since(started).Round(time.Second))
			}
		}
	}()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", what, err, complaint.String())
	}
	return out.String(), nil
}

// ModuleRoot is where the source is.
func ModuleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "triptych").Output()
	if err != nil {
		return "", errors.New("the source is needed to build the programs: run this inside the triptych repository, with go on the PATH")
	}
	return strings.TrimSpace(string(out)), nil
}

// cacheDir is shared by all of this user's checkouts.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir() // no HOME, as in some containers
	}
	dir = filepath.Join(dir, "triptych")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making a place for built programs: %w", err)
	}
	return dir, nil
}

// lock waits until no one else holds path. The system lets go of it when its holder dies.
func lock(ctx context.Context, path string, say io.Writer) (unlock func(), err error) {
	for told := false; ; told = true {
		f, err := tryLock(path)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if !told {
			fmt.Fprintln(say, "  waiting for another build to end")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tryLock fails with EWOULDBLOCK when someone else holds path.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
