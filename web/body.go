package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
)

// maxBody is far more than the largest body the API has a use for.
const maxBody = 4 << 10

const hashHeader = "x-amz-content-sha256"

// verifyBody reads the body, bounded, and leaves it to be read again. A body must come with its hash:
// CloudFront signs it into the request it makes of a function URL, so what a missing hash would break
// in the cloud is refused everywhere.
func verifyBody(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return refuse(http.StatusBadRequest, "The body ended early: send it again.")
	}
	if len(body) > maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "The body is over %d bytes: send the picture itself to the URL of its grant.", maxBody)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if len(body) == 0 {
		return nil // whatever CloudFront says of an empty body is its own business
	}
	const remedy = "set it to the SHA-256 of the body, in lower-case hex"
	hashes, sum := r.Header.Values(hashHeader), sha256.Sum256(body)
	switch {
	case len(hashes) == 0:
		return refuse(http.StatusBadRequest, "The header %s is missing: %s.", hashHeader, remedy)
	case len(hashes) > 1 || hashes[0] != hex.EncodeToString(sum[:]):
		return refuse(http.StatusBadRequest, "The header %s is not that of this body: %s.", hashHeader, remedy)
	}
	return nil
}
