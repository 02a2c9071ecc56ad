package gateway

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"strconv"
	"sync"

	"triptych/deploy/page"
)

// minified contains the minified files by the ETag of their source.
var minified sync.Map

func isMinified(name string) bool {
	ext := path.Ext(name)
	return ext == ".css" || ext == ".js"
}

// requestWholeFile lets HEAD and Range describe the minified file instead of its source.
func requestWholeFile(r *http.Request) {
	if !isMinified(r.URL.Path) {
		return
	}
	r.Header.Del("Range")
	r.Header.Del("If-Range")
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet // the server does not send the body to the viewer
	}
}

// publishFile minifies CSS and JavaScript as `make deploy` does, so that the tests check the published page.
func publishFile(res *http.Response) error {
	name := res.Request.URL.Path
	if res.StatusCode != http.StatusOK || res.Request.Method != http.MethodGet || !isMinified(name) {
		return nil
	}
	content, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return err
	}
	key := name + res.Header.Get("ETag")
	if known, ok := minified.Load(key); ok {
		content = known.([]byte)
	} else if short, err := page.Minify(name, content); err == nil { // otherwise, the browser shows the error in the source
		content = short
		minified.Store(key, short)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	res.Header.Set("Content-Length", strconv.Itoa(len(content)))
	return nil
}
