package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
)

//go:embed site
var files embed.FS

// siteHandler returns a handler of the page's files. The ETag of a file is the hash of its content. A browser sends the
// ETag on every use of its copy and downloads the file only if the content has changed.
func siteHandler() http.Handler {
	site, err := fs.Sub(files, "site")
	if err != nil {
		panic(err) // impossible: the directory is embedded
	}
	tags := map[string]string{}
	fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, _ := fs.ReadFile(site, name)
			sum := sha256.Sum256(content)
			tags[name] = `"` + hex.EncodeToString(sum[:16]) + `"`
		}
		return err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeProblem(w, r, clientError(http.StatusMethodNotAllowed, "This address accepts only GET, HEAD."))
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
		http.ServeFileFS(w, r, site, name)
	})
}
