package supervisor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
)

// The Temporal server is this package of the module tools.
const serverPackage = "./temporalite"

// FindServer returns the path of the Temporal server, or "" if BuildServer must build it.
func FindServer(ctx context.Context) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	path, source, err := serverFiles(root)
	if err != nil || !isBuilt(path, source) {
		return "", err
	}
	return path, nil
}

// serverFiles returns the path of the executable, and a hash of its source.
func serverFiles(root string) (path, source string, err error) {
	dir, err := executableDir(root)
	if err != nil {
		return "", "", err
	}
	if source, err = hashSource(filepath.Join(root, "tools")); err != nil {
		return "", "", fmt.Errorf("reading the source of the Temporal server: %w", err)
	}
	return filepath.Join(dir, filepath.Base(serverPackage)), source, nil
}

// isBuilt reads the hash of the source from a file, because `go build` takes seconds to find that nothing has changed.
func isBuilt(path, source string) bool {
	built, err := os.ReadFile(sourceFile(path))
	if err != nil || string(built) != source {
		return false
	}
	_, err = os.Stat(path)
	return err == nil
}

func sourceFile(path string) string { return path + ".source" }

func hashSource(dir string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOOS, runtime.GOARCH) // computers that differ can share a home directory
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isSource(entry.Name()) {
			return err
		}
		b, err := os.ReadFile(path)
		fmt.Fprintln(hash, path, len(b))
		hash.Write(b)
		return err
	})
	return hex.EncodeToString(hash.Sum(nil)), err
}

// isSource ignores the files of editors, and the data of a server that was started in the directory.
func isSource(name string) bool {
	return name == "go.mod" || name == "go.sum" || strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// lockServerBuilds leaves Build unblocked, which opens the site.
func lockServerBuilds(ctx context.Context, output io.Writer) (io.Closer, error) {
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return lock(ctx, filepath.Join(cache, "server.lock"), output)
}

// BuildServer returns the path of the Temporal server. It downloads the source immediately, but compiles it only after
// mayCompile is closed. It reports to progress how many of the packages are compiled.
func BuildServer(ctx context.Context, mayCompile <-chan struct{}, progress func(compiled, packages int), output io.Writer) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	buildLock, err := lockServerBuilds(ctx, output)
	if err != nil {
		return "", err
	}
	defer buildLock.Close()
	path, source, err := serverFiles(root)
	if err != nil || isBuilt(path, source) { // by another process
		return path, err
	}
	var compiled, packages atomic.Int64
	defer reportRegularly(output, "building the Temporal server", func() string {
		if packages.Load() == 0 {
			return ""
		}
		return fmt.Sprintf(", %d of %d packages", compiled.Load(), packages.Load())
	})()
	goTools := func(onPackage func(string), command string, args ...string) (string, error) {
		// With a low priority, because the programs that open the site are built at the same time, and then serve pictures.
		return goCommand(ctx, filepath.Join(root, "tools"), onPackage, []string{"nice"}, append([]string{command}, args...)...)
	}
	// -deps downloads all modules that the server needs.
	if _, err := goTools(nil, "list", "-deps", serverPackage); err != nil {
		return "", fmt.Errorf("downloading the source of the Temporal server: %w", err)
	}
	select {
	case <-mayCompile:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	stale, err := goTools(nil, "list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", serverPackage)
	if err != nil {
		return "", fmt.Errorf("listing the packages of the Temporal server: %w", err)
	}
	packages.Store(int64(strings.Count(stale, "\n")))
	progress(0, int(packages.Load()))
	// Otherwise, a build that is interrupted after replacing the executable would leave the hash of the previous one.
	if err := os.Remove(sourceFile(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("preparing the build of the Temporal server: %w", err)
	}
	_, err = goTools(func(string) {
		progress(int(min(compiled.Add(1), packages.Load())), int(packages.Load()))
	}, "build", "-v", "-o", path, serverPackage)
	if err != nil {
		return "", fmt.Errorf("compiling the Temporal server: %w", err)
	}
	return path, os.WriteFile(sourceFile(path), []byte(source), 0o600)
}

// packageNames calls found for each package that `go build -v` names, and keeps the other lines, which are errors.
type packageNames struct {
	found  func(name string)
	line   []byte
	others strings.Builder
}

func (p *packageNames) Write(output []byte) (int, error) {
	for part := range bytes.Lines(output) {
		p.line = append(p.line, part...)
		if !bytes.HasSuffix(part, []byte("\n")) {
			break
		}
		switch line := string(bytes.TrimSpace(p.line)); {
		case strings.HasPrefix(line, "go: downloading "):
		case p.found != nil && !strings.ContainsAny(line, " :"):
			p.found(line)
		default:
			p.others.WriteString(line + "\n")
		}
		p.line = p.line[:0]
	}
	return len(output), nil
}
