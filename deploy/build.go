package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const imageDir = "worker" // under dist, an OCI image layout

func buildAll(ctx context.Context, arch string) error {
	bin, err := os.MkdirTemp("", "triptych-deploy-")
	if err != nil {
		return fmt.Errorf("creating a directory for the programs: %w", err)
	}
	defer os.RemoveAll(bin)
	if err := compile(ctx, ".", arch, bin, "trigger", "web", "worker"); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("creating the artifact directory: %w", err)
	}
	for _, function := range []string{"trigger", "web"} {
		if err := zipBootstrap(filepath.Join(bin, function), filepath.Join(dist, function+".zip")); err != nil {
			return err
		}
	}
	image, err := buildImage(filepath.Join(bin, "worker"), arch)
	if err != nil {
		return err
	}
	return saveImage(image, filepath.Join(dist, imageDir))
}

// The flags make builds reproducible: the binaries do not depend on the machine, the source directory or git
// metadata.
func compile(ctx context.Context, root, arch, bin string, programs ...string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", bin + string(filepath.Separator)}
	for _, program := range programs {
		args = append(args, "./"+program)
	}
	build := exec.CommandContext(ctx, "go", args...)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building %v for linux/%s: %w\n%s", programs, arch, err, out)
	}
	return nil
}

// The Lambda runtime provided.al2023 requires one executable named bootstrap. The fixed modification time makes the
// zip reproducible.
func zipBootstrap(program, target string) error {
	code, err := os.Open(program)
	if err != nil {
		return fmt.Errorf("packing a function: %w", err)
	}
	defer code.Close()
	out, err := os.Create(target)
	if err != nil {
		return fmt.Errorf("packing a function: %w", err)
	}
	defer out.Close()
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	packed := zip.NewWriter(out)
	entry, err := packed.CreateHeader(header)
	if err == nil {
		_, err = io.Copy(entry, code)
	}
	if err == nil {
		err = packed.Close()
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("packing %s: %w", target, err)
	}
	return nil
}
