package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// headersFile is the one list of security headers: Terraform reads the same file for CloudFront. The page
// talks to this site and, to upload and to show a picture, to {bucket}; nothing else, and nothing inline.
//
//go:embed headers.json
var headersFile []byte

// securityHeaders go out with every answer.
func securityHeaders(bucketOrigin string) map[string]string {
	var headers map[string]string
	if err := json.Unmarshal(headersFile, &headers); err != nil {
		panic(fmt.Sprintf("headers.json is a flat object of strings: %v", err)) // the embedded file is always the same
	}
	for name, value := range headers {
		headers[name] = strings.ReplaceAll(value, "{bucket}", bucketOrigin)
	}
	return headers
}

func withHeaders(headers map[string]string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}
