package supervisor

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"triptych/emulators/childprocess"
	"triptych/emulators/privatedir"
)

// Executables returns, by name, the path of the executable that Build makes of each package.
func Executables(ctx context.Context, packages map[string]string) (map[string]string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := executableDir(root)
	if err != nil {
		return nil, err
	}
	executables := map[string]string{}
	for name, pkg := range packages {
		executables[name] = filepath.Join(dir, filepath.Base(pkg))
	}
	return executables, nil
}

// Build builds the packages. A lock keeps concurrent calls from compiling the same code twice.
func Build(ctx context.Context, packages map[string]string, output io.Writer) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	if testing.Testing() {
		if err := ReadDirectories(ctx); err != nil {
			return err
		}
	}
	buildLock, err := LockBuilds(ctx, output)
	if err != nil {
		return err
	}
	defer buildLock.Close()
	dir, err := executableDir(root)
	if err != nil {
		return err
	}
	args := []string{"build", "-tags", "lambda.norpc", "-o", dir + string(filepath.Separator)}
	args = slices.AppendSeq(args, maps.Values(packages))
	defer reportRegularly(output, "building the pipeline's programs", func() string { return "" })()
	if _, err := goCommand(ctx, root, nil, nil, args...); err != nil {
		return fmt.Errorf("building the pipeline's programs: %w", err)
	}
	return nil
}

// ReadDirectories makes `go test` run a test again, instead of printing its cached result, after a change of any source of the module:
// Go does not see which programs a test builds, but it sees which directories the test reads. After a build in TestMain, a test must
// call ReadDirectories, because Go sees only what is read later.
func ReadDirectories(ctx context.Context) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") { // such as .git and .triptych
			return fs.SkipDir
		}
		if errors.Is(err, fs.ErrNotExist) { // another test deleted it
			return nil
		}
		return err
	})
}

// executableDir returns the directory for the executables of a checkout.
func executableDir(root string) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, fmt.Sprintf("bin-%x", sha256.Sum256([]byte(root)))[:12])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("creating the directory for executables: %w", err)
	}
	return dir, nil
}

// LockBuilds blocks all other builds of this user until the caller closes the returned lock.
func LockBuilds(ctx context.Context, output io.Writer) (io.Closer, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return lock(ctx, filepath.Join(cache, lockFile), output)
}

// reportRegularly prints the time and the progress of an activity until `stop` is called.
func reportRegularly(output io.Writer, activity string, progress func() string) (stop func()) {
	started := time.Now()
	done := make(chan struct{})
	go func() {
		for pause := 2 * time.Second; ; pause = 10 * time.Second {
			select {
			case <-done:
				return
			case <-time.After(pause):
				fmt.Fprintf(output, "  %s: %s%s\n", activity, time.Since(started).Round(time.Second), progress())
			}
		}
	}()
	return func() { close(done) }
}

// goCommand calls onPackage, if it is not nil, for each package that `go build -v` names. The prefix runs go.
func goCommand(ctx context.Context, root string, onPackage func(string), prefix []string, args ...string) (string, error) {
	temporary, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "triptych-build-")
	if err != nil {
		return "", fmt.Errorf("creating a directory for temporary files: %w", err)
	}
	defer os.RemoveAll(temporary) // a killed go leaves its files
	command := slices.Concat(prefix, []string{"go"}, args)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTMPDIR="+temporary)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with its compilers
	stdout, stderr := new(strings.Builder), &packageNames{found: onPackage}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err = childprocess.Start(cmd); err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return stdout.String(), fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.others.String())
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
