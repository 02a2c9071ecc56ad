package main

import "net/http"

// securityHeaders go out with every answer. The page talks to this site and, to upload and to show a
// picture, to the bucket; nothing else, and nothing inline.
func securityHeaders(bucketOrigin string) map[string]string {
	return map[string]string{
		"Content-Security-Policy": "default-src 'none'; " +
			"script-src 'self'; style-src 'self'; " +
			"img-src 'self' blob: " + bucketOrigin + "; connect-src 'self' " + bucketOrigin + "; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
			"require-trusted-types-for 'script'; trusted-types 'none'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()",
		"Referrer-Policy":              "no-referrer",
		"Strict-Transport-Security":    "max-age=31536000",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
	}
}

func withHeaders(headers map[string]string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}
