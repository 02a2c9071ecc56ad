package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	imageDir  = "worker" // under dist, an OCI image layout
	buildTags = "lambda.norpc"
)

var programs = []string{"trigger", "web", "worker"}

func buildAll(ctx context.Context, arch string) error {
	bin, err := os.MkdirTemp("", "triptych-deploy-")
	if err != nil {
		return fmt.Errorf("creating a directory for the programs: %w", err)
	}
	defer os.RemoveAll(bin)
	if err := compile(ctx, ".", arch, bin, programs...); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("creating the artifact directory: %w", err)
	}
	for _, function := range []string{"trigger", "web"} {
		licences, err := notices(ctx, ".", arch, function)
		if err != nil {
			return err
		}
		if err := zipFunction(filepath.Join(bin, function), licences, filepath.Join(dist, function+".zip")); err != nil {
			return err
		}
	}
	licences, err := notices(ctx, ".", arch, "worker")
	if err != nil {
		return err
	}
	image, err := buildImage(filepath.Join(bin, "worker"), licences, arch)
	if err != nil {
		return err
	}
	return saveImage(image, filepath.Join(dist, imageDir))
}

// The flags make builds reproducible: the binaries do not depend on the machine, the source directory or git
// metadata.
func compile(ctx context.Context, root, arch, bin string, names ...string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", buildTags, "-ldflags", "-s -w", "-o", bin + string(filepath.Separator)}
	for _, name := range names {
		args = append(args, "./"+name)
	}
	if out, err := goCommand(ctx, root, arch, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("building %v for linux/%s: %w\n%s", names, arch, err, out)
	}
	return nil
}

func goCommand(ctx context.Context, root, arch string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOWORK=off")
	return command
}

// The Lambda runtime provided.al2023 requires one executable named bootstrap. The fixed modification time makes the
// zip reproducible.
func zipFunction(program string, licences []byte, target string) error {
	code, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("packing a function: %w", err)
	}
	out, err := os.Create(target)
	if err != nil {
		return fmt.Errorf("packing a function: %w", err)
	}
	defer out.Close()
	packed := zip.NewWriter(out)
	for _, file := range []struct {
		name    string
		mode    os.FileMode
		content []byte
	}{{"bootstrap", 0o755, code}, {noticesFile, 0o644, licences}} {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(file.mode)
		entry, err := packed.CreateHeader(header)
		if err == nil {
			_, err = entry.Write(file.content)
		}
		if err != nil {
			return fmt.Errorf("packing %s: %w", target, err)
		}
	}
	if err := errors.Join(packed.Close(), out.Close()); err != nil {
		return fmt.Errorf("packing %s: %w", target, err)
	}
	return nil
}
