// Package siteclient uses the site in the same way as the web page, through the public API and upload URLs.
package siteclient

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"triptych/picture"
)

// Site is a base URL, such as http://127.0.0.1:8080.
type Site string

// Grant allows one upload.
type Grant struct {
	Link       string     `json:"id"`        // the link ID, which opens the picture
	ID         picture.ID `json:"reference"` // the picture ID
	EraseToken string     `json:"eraseToken"`
	Upload     struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	} `json:"upload"`
}

type StatusError struct {
	Operation string
	Status    int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: unexpected status %d %s", e.Operation, e.Status, http.StatusText(e.Status))
}

func (s Site) Upload(ctx context.Context, photo []byte) (Grant, error) {
	g, err := s.RequestGrant(ctx, photo)
	if err != nil {
		return g, err
	}
	status, err := g.Put(ctx, photo)
	if err == nil && status != http.StatusOK {
		err = &StatusError{"uploading", status}
	}
	return g, err
}

// The grant is valid only for a JPEG with the same bytes as `photo`.
func (s Site) RequestGrant(ctx context.Context, photo []byte) (Grant, error) {
	var g Grant
	sum := sha256.Sum256(photo)
	body, err := json.Marshal(map[string]any{
		"contentType": "image/jpeg", "size": len(photo), "sha256": base64.StdEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		return g, err
	}
	res, err := send(ctx, http.MethodPost, string(s)+"/api/pictures", body, map[string]string{
		hashHeader: hexSHA256(body), "content-type": "application/json",
	})
	if err != nil {
		return g, fmt.Errorf("requesting a grant: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return g, &StatusError{"requesting a grant", res.StatusCode}
	}
	if err := json.NewDecoder(res.Body).Decode(&g); err != nil {
		return g, fmt.Errorf("reading a grant: %w", err)
	}
	return g, nil
}

// Put returns status 412 if an earlier upload with this grant succeeded.
func (g Grant) Put(ctx context.Context, photo []byte) (int, error) {
	return status(send(ctx, g.Upload.Method, g.Upload.URL, photo, g.Upload.Headers))
}

func (s Site) Erase(ctx context.Context, link, token string) (int, error) {
	return status(send(ctx, http.MethodDelete, s.pictureURL(link), nil, map[string]string{"X-Triptych-Erase": token, hashHeader: hexSHA256(nil)}))
}

const hashHeader = "x-amz-content-sha256" // CloudFront requires it

func hexSHA256(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

const reconnectDelay = 50 * time.Millisecond

// Follow reconnects when a stream ends early, and returns the final Progress.
func (s Site) Follow(ctx context.Context, link string, onProgress func(picture.Progress)) (picture.Progress, error) {
	for ctx.Err() == nil {
		res, err := send(ctx, http.MethodGet, s.pictureURL(link)+"/events", nil, nil)
		if err != nil {
			return picture.Progress{}, fmt.Errorf("following a picture: %w", err)
		}
		last, err := readStream(res, onProgress)
		res.Body.Close()
		if err != nil || last.Status.Settled() {
			return last, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(reconnectDelay): // web may be restarting
		}
	}
	return picture.Progress{}, fmt.Errorf("the picture has no final status yet: %w", context.Cause(ctx))
}

// readStream does not report a broken connection, because Follow then reconnects.
func readStream(res *http.Response, onProgress func(picture.Progress)) (last picture.Progress, err error) {
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20) // the last event contains the annotation, up to 2 MB
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		last = picture.Progress{}
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			return last, fmt.Errorf("reading a picture's progress: %w", err)
		}
		onProgress(last)
		if last.Status.Settled() {
			break
		}
	}
	return last, nil
}

func (s Site) pictureURL(link string) string { return string(s) + "/api/pictures/" + link }

func send(ctx context.Context, method, url string, body []byte, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return http.DefaultClient.Do(req)
}

func status(res *http.Response, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	res.Body.Close()
	return res.StatusCode, nil
}
