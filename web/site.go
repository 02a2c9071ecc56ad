package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

//go:embed site
var files embed.FS

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

// In headers.json, {bucket} stands for the bucket's origin, such as https://BUCKET.s3.eu-central-1.amazonaws.com.
// Terraform uses the same file for CloudFront.
//
//go:embed headers.json
var headersFile string

func securityHeaders(bucketOrigin string) map[string]string {
	var headers map[string]string
	if err := json.Unmarshal([]byte(strings.ReplaceAll(headersFile, "{bucket}", bucketOrigin)), &headers); err != nil {
		panic(err) // impossible: the file is embedded
	}
	return headers
}
