package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

const (
	hashHeader = "x-amz-content-sha256"
	maxBody    = 4 << 10 // bytes; the site's API accepts no longer body
)

// verifyBody requires the hash of each body, because a Lambda function URL behind CloudFront does.
func verifyBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if p := bodyProblem(body, err, r.Header.Values(hashHeader)); p.status != 0 {
			p.send(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

func bodyProblem(body []byte, err error, hashes []string) problem {
	const remedy = "set it to the SHA-256 of the body, in lower-case hex."
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	sum := sha256.Sum256(body)
	switch {
	case tooLarge:
		return problem{http.StatusRequestEntityTooLarge, fmt.Sprintf("The body is over %d bytes: send the picture itself to the URL of its grant.", maxBody)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem{http.StatusRequestTimeout, "The body arrived too slowly: send it again."}
	case err != nil:
		return problem{http.StatusBadRequest, "The body ended early: send it again."}
	case len(body) == 0:
		return problem{}
	case len(hashes) == 0:
		return problem{http.StatusBadRequest, "The header " + hashHeader + " is missing: " + remedy}
	case len(hashes) > 1 || hashes[0] != hex.EncodeToString(sum[:]):
		return problem{http.StatusBadRequest, "The header " + hashHeader + " does not match this body: " + remedy}
	}
	return problem{}
}
