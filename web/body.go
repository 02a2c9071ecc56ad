package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
)

// maxBody is the size of the largest accepted request body, in bytes. An upload request has about 120.
const maxBody = 4 << 10

const hashHeader = "x-amz-content-sha256"

// verifyBody checks the size and the hash of the body, and leaves the body readable. It refuses a body without a hash
// header. In the cloud, such a request would fail anyway, because CloudFront's signature to the function URL covers the
// hash. Refusing it everywhere makes a local test find the error.
func verifyBody(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return clientError(http.StatusBadRequest, "The body ended early: send it again.")
	}
	if len(body) > maxBody {
		return clientError(http.StatusRequestEntityTooLarge, "The body is over %d bytes: send the picture itself to the URL of its grant.", maxBody)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		return nil // CloudFront may add a hash to a request without a body; there is nothing to verify
	}
	const remedy = "set it to the SHA-256 of the body, in lower-case hex"
	hashes, sum := r.Header.Values(hashHeader), sha256.Sum256(body)
	switch {
	case len(hashes) == 0:
		return clientError(http.StatusBadRequest, "The header %s is missing: %s.", hashHeader, remedy)
	case len(hashes) > 1 || hashes[0] != hex.EncodeToString(sum[:]):
		return clientError(http.StatusBadRequest, "The header %s does not match this body: %s.", hashHeader, remedy)
	}
	return nil
}
