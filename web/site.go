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

// pages serves the site's files, each with the hash of its content as ETag: a browser asks every time and
// is sent a file only when it changed.
func pages() http.Handler {
	site, err := fs.Sub(files, "site")
	if err != nil {
		panic(err) // the embedded folder is always there
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
			answer(w, r, refuse(http.StatusMethodNotAllowed, "This address takes only GET, HEAD."))
			return
		}
		name := path.Clean(r.URL.Path)[1:]
		if name == "" {
			name = "index.html"
		}
		tag, found := tags[name]
		if !found {
			answer(w, r, refuse(http.StatusNotFound, "There is no such page: start at the site's front page."))
			return
		}
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeFileFS(w, r, site, name)
	})
}
