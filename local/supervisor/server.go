package supervisor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
)

// The Temporal server is this tool of tools/go.mod.
const (
	serverTool    = "temporal"
	serverPackage = "github.com/temporalio/cli/cmd/temporal"
)

// FindServer returns the path of the Temporal server, or "" if BuildServer must build it.
func FindServer(ctx context.Context) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	path, _, err = cachedServer(root)
	return path, err
}

// cachedServer reads the path from a file, because `go tool -n` takes seconds.
func cachedServer(root string) (path, file string, err error) {
	cache, err := CacheDir()
	if err != nil {
		return "", "", err
	}
	sums, err := os.ReadFile(filepath.Join(root, "tools", "go.sum"))
	if err != nil {
		return "", "", fmt.Errorf("reading the version of Temporal: %w", err)
	}
	key := sha256.Sum256(append(sums, runtime.Version()...))
	file = filepath.Join(cache, fmt.Sprintf("%s-%x", serverTool, key[:8]))
	if cached, err := os.ReadFile(file); err == nil {
		if _, err := os.Stat(string(cached)); err == nil {
			path = string(cached)
		}
	}
	return path, file, nil
}

// BuildServer returns the path of the Temporal server. It downloads the source immediately, but compiles it only after
// mayCompile is closed. It reports to progress how many of the packages are compiled.
func BuildServer(ctx context.Context, mayCompile <-chan struct{}, progress func(compiled, packages int), output io.Writer) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	buildLock, err := lock(ctx, filepath.Join(cache, "server.lock"), output)
	if err != nil {
		return "", err
	}
	defer buildLock.Close()
	path, pathFile, err := cachedServer(root) // another process may have built it
	if path != "" || err != nil {
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
		return goCommand(ctx, root, onPackage, []string{"nice"}, append([]string{command, "-modfile=tools/go.mod"}, args...)...)
	}
	// -deps downloads all modules that the server needs.
	imports, err := goTools(nil, "list", "-deps", "-f", `{{if eq .ImportPath "`+serverPackage+`"}}{{join .Imports "\n"}}{{end}}`, serverPackage)
	if err != nil {
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
	// `go tool` does not report its progress, so build its packages first.
	_, err = goTools(func(string) {
		progress(int(min(compiled.Add(1), packages.Load())), int(packages.Load()))
	}, "build", append([]string{"-v"}, strings.Fields(imports)...)...)
	if err != nil {
		return "", fmt.Errorf("compiling the Temporal server: %w", err)
	}
	out, err := goTools(nil, "tool", "-n", serverTool)
	if err != nil {
		return "", fmt.Errorf("linking the Temporal server: %w", err)
	}
	path = strings.TrimSpace(out)
	return path, os.WriteFile(pathFile, []byte(path), 0o600)
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
