package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
)

//go:embed site
var files embed.FS

// siteHandler returns a handler of the page's files. The ETag of a file is the hash of its content, so a browser
// downloads a file again only if it has changed.
func siteHandler() http.Handler {
	tags := map[string]string{}
	entries, _ := files.ReadDir("site") // embedded, so no read fails
	for _, entry := range entries {
		content, _ := files.ReadFile("site/" + entry.Name())
		sum := sha256.Sum256(content)
		tags[entry.Name()] = `"` + hex.EncodeToString(sum[:16]) + `"`
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writeMethodNotAllowed(w, r, "GET, HEAD")
			return
		}
		name := path.Clean(r.URL.Path)[1:]
		if name == "" {
			name = "index.html"
		}
		tag, found := tags[name]
		if !found {
			writeProblem(w, r, clientError(http.StatusNotFound, "This page does not exist: start at the site's front page."))
			return
		}
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, files, "site/"+name)
	})
}
