package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"triptych/picture"
)

// portrait is NASA's photograph of Eileen Collins, smiling; its source is in local/vision/testdata.
func portrait(t *testing.T) []byte {
	t.Helper()
	photo, err := os.ReadFile("vision/testdata/astronaut.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return photo
}

// site is a visitor's way to the pipeline: the web API and nothing else.
type site string

type grant struct {
	ID         picture.ID `json:"id"`
	EraseToken string     `json:"eraseToken"`
	Upload     struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	} `json:"upload"`
}

// take uploads a photo as the page does.
func (s site) take(t *testing.T, photo []byte) grant {
	t.Helper()
	g := s.ask(t, photo)
	if status := g.put(t, photo); status != http.StatusOK {
		t.Fatalf("the upload was answered %d", status)
	}
	return g
}

func (s site) ask(t *testing.T, photo []byte) grant {
	t.Helper()
	sum := sha256.Sum256(photo)
	body, err := json.Marshal(map[string]any{
		"contentType": "image/jpeg", "size": len(photo), "sha256": base64.StdEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, string(s)+"/api/pictures", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(body)
	req.Header.Set("x-amz-content-sha256", hex.EncodeToString(hash[:]))
	req.Header.Set("content-type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var g grant
	if err := json.NewDecoder(res.Body).Decode(&g); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("asking for a grant: %s, %v", res.Status, err)
	}
	return g
}

func (g grant) put(t *testing.T, photo []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), g.Upload.Method, g.Upload.URL, bytes.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range g.Upload.Headers {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func (s site) erase(t *testing.T, id picture.ID, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, string(s)+"/api/pictures/"+string(id), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Triptych-Erase", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// follow reads the event stream until the picture has settled, reconnecting when a stream ends as the page does.
// every sees each Progress on the way.
func (s site) follow(t *testing.T, id picture.ID, every ...func(picture.Progress)) picture.Progress {
	t.Helper()
	for {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, string(s)+"/api/pictures/"+string(id)+"/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			var p picture.Progress
			if err := json.Unmarshal([]byte(data), &p); err != nil {
				t.Fatalf("reading %s: %v", data, err)
			}
			for _, see := range every {
				see(p)
			}
			if p.Status.Settled() {
				res.Body.Close()
				return p
			}
		}
		res.Body.Close()
		if t.Context().Err() != nil {
			t.Fatal("the picture never settled")
		}
	}
}
