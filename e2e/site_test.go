package main

import (
	"os"
	"testing"

	"triptych/e2e/siteclient"
	"triptych/picture"
)

// portrait is NASA's photograph of Eileen Collins, smiling; its source is in emulators/vision/testdata.
func portrait(t *testing.T) []byte {
	t.Helper()
	photo, err := os.ReadFile("vision/testdata/astronaut.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return photo
}

// site is a visitor whose trouble ends the test.
type site string

func (s site) take(t *testing.T, photo []byte) siteclient.Grant {
	t.Helper()
	g, err := siteclient.Site(s).Take(t.Context(), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (s site) ask(t *testing.T, photo []byte) siteclient.Grant {
	t.Helper()
	g, err := siteclient.Site(s).Ask(t.Context(), photo)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func upload(t *testing.T, g siteclient.Grant, photo []byte) int {
	t.Helper()
	status, err := g.Put(t.Context(), photo)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func (s site) erase(t *testing.T, id picture.ID, token string) int {
	t.Helper()
	status, err := siteclient.Site(s).Erase(t.Context(), id, token)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// follow waits until the picture has settled. every sees each Progress on the way.
func (s site) follow(t *testing.T, id picture.ID, every ...func(picture.Progress)) picture.Progress {
	t.Helper()
	settled, err := siteclient.Site(s).Follow(t.Context(), id, func(p picture.Progress) {
		for _, see := range every {
			see(p)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return settled
}
