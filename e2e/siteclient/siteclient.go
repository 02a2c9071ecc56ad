// Package visitor goes the way of a visitor's browser: the web API, the upload it grants, and nothing else. What the
// site does not tell, it does not know.
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

// Site is where the site is, such as http://127.0.0.1:8080.
type Site string

// Grant allows one upload.
type Grant struct {
	ID         picture.ID `json:"id"`
	EraseToken string     `json:"eraseToken"`
	Upload     struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
	} `json:"upload"`
}

// Refused is an answer that is not the one hoped for.
type Refused struct {
	Doing  string
	Status int
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%s was answered %d %s", r.Doing, r.Status, http.StatusText(r.Status))
}

// Take uploads a JPEG as the page does.
func (s Site) Take(ctx context.Context, photo []byte) (Grant, error) {
	g, err := s.Ask(ctx, photo)
	if err != nil {
		return g, err
	}
	status, err := g.Put(ctx, photo)
	if err == nil && status != http.StatusOK {
		err = &Refused{"the upload", status}
	}
	return g, err
}

// Ask gets a grant for a JPEG.
func (s Site) Ask(ctx context.Context, photo []byte) (Grant, error) {
	var g Grant
	sum := sha256.Sum256(photo)
	body, err := json.Marshal(map[string]any{
		"contentType": "image/jpeg", "size": len(photo), "sha256": base64.StdEncoding.EncodeToString(sum[:]),
	})
	if err != nil {
		return g, err
	}
	hash := sha256.Sum256(body)
	res, err := send(ctx, http.MethodPost, string(s)+"/api/pictures", body, map[string]string{
		"x-amz-content-sha256": hex.EncodeToString(hash[:]), "content-type": "application/json",
	})
	if err != nil {
		return g, fmt.Errorf("asking for a grant: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return g, &Refused{"asking for a grant", res.StatusCode}
	}
	if err := json.NewDecoder(res.Body).Decode(&g); err != nil {
		return g, fmt.Errorf("reading a grant: %w", err)
	}
	return g, nil
}

// Put uses the grant and returns the status. 412 says that the picture had arrived before.
func (g Grant) Put(ctx context.Context, photo []byte) (int, error) {
	return status(send(ctx, g.Upload.Method, g.Upload.URL, photo, g.Upload.Headers))
}

// Erase asks for the picture to be erased and returns the status.
func (s Site) Erase(ctx context.Context, id picture.ID, token string) (int, error) {
	return status(send(ctx, http.MethodDelete, s.of(id), nil, map[string]string{"X-Triptych-Erase": token}))
}

const pause = 50 * time.Millisecond

// Follow reads the event stream until the picture has settled, and comes back when a stream ends, as the page does.
// see gets each Progress on the way, the last one too.
func (s Site) Follow(ctx context.Context, id picture.ID, see func(picture.Progress)) (picture.Progress, error) {
	for ctx.Err() == nil {
		res, err := send(ctx, http.MethodGet, s.of(id)+"/events", nil, nil)
		if err != nil {
			return picture.Progress{}, fmt.Errorf("following picture %s: %w", id.Redacted(), err)
		}
		last, err := read(res, see)
		res.Body.Close()
		if err != nil || last.Status.Settled() {
			return last, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause): // the site may be away for a moment, and come back no sooner for being asked
		}
	}
	return picture.Progress{}, fmt.Errorf("picture %s has not settled: %w", id.Redacted(), context.Cause(ctx))
}

// read returns the last Progress of a stream. How that broke off does not matter.
func read(res *http.Response, see func(picture.Progress)) (last picture.Progress, err error) {
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		last = picture.Progress{}
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			return last, fmt.Errorf("reading a picture's progress: %w", err)
		}
		see(last)
		if last.Status.Settled() {
			break
		}
	}
	return last, nil
}

func (s Site) of(id picture.ID) string { return string(s) + "/api/pictures/" + string(id) }

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
