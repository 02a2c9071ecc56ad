package supervisor

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
	"time"

	"triptych/emulators/privatedir"
)

// Build returns the path of each executable by name, including the Temporal CLI as "temporal". A lock keeps
// concurrent calls from compiling the same code twice.
func Build(ctx context.Context, packages map[string]string, output io.Writer) (map[string]string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	buildLock, err := LockBuilds(ctx, output)
	if err != nil {
		return nil, err
	}
	defer buildLock.Close()

	temporal, err := buildTemporal(ctx, root, cache, output)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, fmt.Sprintf("bin-%x", sha256.Sum256([]byte(root)))[:12])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the directory for executables: %w", err)
	}
	executables := map[string]string{"temporal": temporal}
	args := []string{"build", "-tags", "lambda.norpc", "-o", dir + string(filepath.Separator)}
	for name, pkg := range packages {
		args = append(args, pkg)
		executables[name] = filepath.Join(dir, filepath.Base(pkg))
	}
	_, err = goCommand(ctx, root, output, "the pipeline's programs", args...)
	return executables, err
}

// LockBuilds blocks all other builds of this user until the caller closes the returned lock.
func LockBuilds(ctx context.Context, output io.Writer) (io.Closer, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return lock(ctx, filepath.Join(cache, lockFile), output)
}

// buildTemporal caches the executable's path, because `go tool -n` takes seconds.
func buildTemporal(ctx context.Context, root, cache string, output io.Writer) (string, error) {
	sums, err := os.ReadFile(filepath.Join(root, "tools", "go.sum"))
	if err != nil {
		return "", fmt.Errorf("reading the version of Temporal: %w", err)
	}
	key := sha256.Sum256(append(sums, runtime.Version()...))
	pathFile := filepath.Join(cache, fmt.Sprintf("temporal-%x", key[:8]))
	if path, err := os.ReadFile(pathFile); err == nil {
		if _, err := os.Stat(string(path)); err == nil {
			return string(path), nil
		}
	}
	out, err := goCommand(ctx, root, output, "the Temporal development server (the first time takes minutes)",
		"tool", "-n", "-modfile=tools/go.mod", "temporal")
	if err != nil {
		return "", err
	}
	path := strings.TrimSpace(out)
	return path, os.WriteFile(pathFile, []byte(path), 0o600)
}

func goCommand(ctx context.Context, root string, output io.Writer, target string, args ...string) (string, error) {
	started := time.Now()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for pause := 2 * time.Second; ; pause = 10 * time.Second {
			select {
			case <-done:
				return
			case <-time.After(pause):
				fmt.Fprintf(output, "  building %s: %s\n", target, time.Since(started).Round(time.Second))
			}
		}
	}()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", target, err, stderr.String())
	}
	return stdout.String(), nil
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "triptych").Output()
	if err != nil {
		return "", errors.New("building needs the source: run this inside the triptych repository, with go on the PATH")
	}
	return strings.TrimSpace(string(out)), nil
}

const lockFile = "build.lock"

// CacheDir returns a directory that all checkouts of a user share.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir() // some containers do not set HOME
	}
	dir = filepath.Join(dir, "triptych")
	if err := privatedir.Create(dir, lockFile); err != nil { // another user could replace the executables
		return "", fmt.Errorf("creating the directory for executables: %w; or set HOME", err)
	}
	return dir, nil
}
