package supervisor

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// BuildCLI returns the path of the Temporal CLI. A lock keeps concurrent calls from compiling it twice.
func BuildCLI(ctx context.Context, output io.Writer) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	buildLock, err := LockBuilds(ctx, output)
	if err != nil {
		return "", err
	}
	defer buildLock.Close()
	path, err = goCommand(ctx, filepath.Join(root, "tools"), nil, nil, "tool", "-n", "temporal")
	if err != nil {
		return "", fmt.Errorf("building the Temporal CLI: %w", err)
	}
	return strings.TrimSpace(path), nil
}
