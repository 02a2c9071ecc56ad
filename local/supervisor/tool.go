package supervisor

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// BuildTool returns the path of a tool of tools/go.mod, such as temporal. It shares a lock and the low priority with
// BuildServer, because both compile mostly the same packages.
func BuildTool(ctx context.Context, name string, output io.Writer) (path string, err error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	buildLock, err := lockServerBuilds(ctx, output)
	if err != nil {
		return "", err
	}
	defer buildLock.Close()
	path, err = goCommand(ctx, filepath.Join(root, "tools"), nil, []string{"nice"}, "tool", "-n", name)
	if err != nil {
		return "", fmt.Errorf("building the tool %s: %w", name, err)
	}
	return strings.TrimSpace(path), nil
}
