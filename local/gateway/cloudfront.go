package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// These are settings of the CloudFront distribution in terraform/site.tf. TestPlan in package terraform_test compares them.
var (
	PageMethods = []string{"GET", "HEAD"}
	APIMethods  = []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
)

const (
	APIPath           = "/api/"
	OriginReadTimeout = 60 * time.Second
)

const (
	hashHeader   = "x-amz-content-sha256"
	clientHeader = "x-triptych-client"
	maxBody      = 4 << 10 // bytes; the site's API accepts no longer body

	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
	maxURL  = 8192  // bytes
	maxHead = 20480 // bytes of the request line and the headers
)

// CloudFront removes these headers, or replaces them when it signs the request. Names that end in "-" are prefixes.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
var removedHeaders = []string{
	"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Cf-", "X-Edge-", "X-Forwarded-Proto", "X-Http-Method-Override", "X-Real-Ip", "Expect",
}

// cloudFront refuses what the deployed site refuses: CloudFront itself, or the function URL of web, which verifies the
// signature that CloudFront adds.
func cloudFront(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if url := "https://" + r.Host + r.RequestURI; len(url) > maxURL || headSize(r) > maxHead {
			w.Header().Set("Connection", "close")
			sendCloudFrontError(w, http.StatusRequestEntityTooLarge, "Bad request.")
			return
		}
		isAPI := strings.HasPrefix(r.URL.Path, APIPath)
		methods := PageMethods
		if isAPI {
			methods = APIMethods
		}
		if !slices.Contains(methods, r.Method) {
			sendCloudFrontError(w, http.StatusForbidden, "This distribution is not configured to allow the HTTP request method that was used for this request.")
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if p := unreadable(err); p.status != 0 {
			p.send(w)
			return
		}
		if len(body) > 0 && r.Method == http.MethodGet {
			sendCloudFrontError(w, http.StatusForbidden, "Bad request.")
			return
		}
		if isAPI && !signable(r.Method, body, r.Header.Values(hashHeader)) {
			slog.Warn("the site refused a request: set the header " + hashHeader + " to the SHA-256 of the body, in lower-case hex; an empty body has one too")
			sendSignatureError(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func headSize(r *http.Request) int {
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s %s\r\nHost: %s\r\n", r.Method, r.RequestURI, r.Proto, r.Host)
	r.Header.Write(&head)
	return head.Len()
}

func unreadable(err error) problem {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is over %d bytes: send the picture itself to the URL of its grant.", maxBody)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem{http.StatusRequestTimeout, "The body arrived too slowly: send it again."}
	case err != nil:
		return problem{http.StatusBadRequest, "The body ended early: send it again."}
	}
	return problem{}
}

// CloudFront signs the hash that the client sends. AWS documents this for POST and PUT:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-lambda.html
// A DELETE without a hash was refused too (https://github.com/anomalyco/sst/issues/6427).
func signable(method string, body []byte, hashes []string) bool {
	if len(hashes) == 0 {
		return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
	}
	sum := sha256.Sum256(body)
	return len(hashes) == 1 && hashes[0] == hex.EncodeToString(sum[:])
}

func sendSignatureError(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "InvalidSignatureException")
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, `{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}`+"\n")
}

func sendCloudFrontError(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("X-Cache", "Error from cloudfront")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD>"+
		"<BODY><H1>%d ERROR</H1><H2>The request could not be satisfied.</H2>%s</BODY></HTML>\n", status, reason)
}

func rewriteHeaders(header http.Header, viewer string) {
	for name := range header {
		if slices.ContainsFunc(removedHeaders, func(removed string) bool {
			return name == removed || strings.HasSuffix(removed, "-") && strings.HasPrefix(name, removed)
		}) {
			delete(header, name)
		}
	}
	header.Set(clientHeader, viewer)
}
