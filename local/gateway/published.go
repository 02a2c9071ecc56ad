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

// publishFile minifies CSS and JavaScript as `make deploy` does, so that the tests check the published page.
func publishFile(res *http.Response) error {
	name := res.Request.URL.Path
	if ext := path.Ext(name); res.StatusCode != http.StatusOK || res.Request.Method != http.MethodGet || ext != ".css" && ext != ".js" {
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
