package main

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"strings"
)

// headersFile contains the security headers. Terraform reads the same file for CloudFront. The Content-Security-Policy
// allows the page to connect to its own site and to {bucket}, for uploads and images. It allows no inline code.
//
//go:embed headers.json
var headersFile []byte

// securityHeaders returns the headers that every response must have.
func securityHeaders(bucketOrigin string) map[string]string {
	var headers map[string]string
	if err := json.Unmarshal(headersFile, &headers); err != nil {
		panic(err) // impossible: the file is embedded
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
