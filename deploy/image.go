package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// unprivileged is the user and group ID of `nonroot` in distroless images.
const unprivileged = "65532:65532"

// The image needs no certificate files, because the program contains the root certificates.
func buildImage(program string, licences []byte, arch string) (v1.Image, error) {
	code, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("reading the worker: %w", err)
	}
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	for _, file := range []struct {
		name    string
		mode    int64
		content []byte
	}{{"worker", 0o555, code}, {noticesFile, 0o444, licences}} {
		err := archive.WriteHeader(&tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.content)), Format: tar.FormatPAX})
		if err == nil {
			_, err = archive.Write(file.content)
		}
		if err != nil {
			return nil, fmt.Errorf("packing the worker: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("packing the worker: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, fmt.Errorf("packing the worker: %w", err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: "linux", Architecture: arch, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{Entrypoint: []string{"/worker"}, User: unprivileged, WorkingDir: "/"},
	})
	if err == nil {
		image, err = mutate.AppendLayers(image, layer)
	}
	if err != nil {
		return nil, fmt.Errorf("building the worker's image: %w", err)
	}
	return image, nil
}

func saveImage(image v1.Image, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the previous image: %w", err)
	}
	index, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = index.AppendImage(image)
	}
	if err != nil {
		return fmt.Errorf("saving the worker's image: %w", err)
	}
	return nil
}

// push returns an image name with a digest, because a tag could later refer to another image.
func push(ctx context.Context, dir, repository string) (string, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return "", fmt.Errorf("reading the worker's image (run make build first): %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", fmt.Errorf("reading the worker's image: %w", err)
	}
	if len(manifest.Manifests) != 1 {
		return "", errors.New("dist/worker does not contain exactly one image: run make build")
	}
	digest := manifest.Manifests[0].Digest
	image, err := index.Image(digest)
	if err != nil {
		return "", fmt.Errorf("reading the worker's image: %w", err)
	}
	target, err := name.NewDigest(repository + "@" + digest.String())
	if err != nil {
		return "", fmt.Errorf("parsing the repository name: %w", err)
	}
	keys := authn.NewMultiKeychain(ecrKeychain{ctx}, authn.DefaultKeychain)
	if err := remote.Write(target, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(keys)); err != nil {
		return "", fmt.Errorf("pushing the worker's image: %w", err)
	}
	return target.String(), nil
}
