package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/internal/pipeline"
	"triptych/internal/telemetry"
	"triptych/picture"
)

type uploadRequest struct {
	ContentType string `json:"contentType"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"` // base64, the format that S3 requires
}

// Until ExpiresAt, a grant allows one upload of a file with the requested type, size and SHA-256.
type grant struct {
	ID         string     `json:"id"`
	Reference  picture.ID `json:"reference"`
	EraseToken string     `json:"eraseToken"`
	Upload     struct {
		Method  string            `json:"method"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"` // without Host and Content-Length, which a browser sets itself
	} `json:"upload"`
	ExpiresAt time.Time `json:"expiresAt"`
}

const maxBody = 4 << 10 // bytes; an upload request has about 100

func (a *api) createGrant(w http.ResponseWriter, r *http.Request) error {
	want, err := readUploadRequest(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	if a.full(r.Context()) {
		const detail = "Too many pictures are waiting to be annotated: try again in a quarter of an hour or later."
		return problem{Status: http.StatusTooManyRequests, retryAfter: 15 * time.Minute, Detail: detail}
	}
	l := a.newLink(r.RemoteAddr)
	ctx, span := telemetry.StartPicture(r.Context(), l.picture)
	defer span.End()
	*r = *r.WithContext(ctx) // for logRequests
	granted, err := a.signUpload(ctx, l, want)
	if err != nil {
		return unavailable(5*time.Second, "The upload cannot be signed at the moment", err)
	}
	w.Header().Set("Location", "/api/pictures/"+granted.ID)
	return writeJSON(w, http.StatusCreated, "application/json", granted)
}

func (a *api) full(ctx context.Context) bool {
	a.countInterval.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // the count serves other clients too
		defer cancel()
		count, _ := pipeline.CountOpen(ctx, a.temporal)
		a.openWorkflows.Store(count)
	})
	return a.openWorkflows.Load() >= int64(a.perDay)
}

func readUploadRequest(body io.Reader) (uploadRequest, error) {
	const example = `{"contentType":"image/jpeg","size":48213,"sha256":"<base64>"}`
	var want uploadRequest
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&want)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return uploadRequest{}, clientError(http.StatusRequestEntityTooLarge, "The body is over %d bytes: send the picture itself to the URL of its grant.", maxBody)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return uploadRequest{}, clientError(http.StatusRequestTimeout, "The body did not arrive in time: send it again.")
	}
	if err != nil {
		return uploadRequest{}, clientError(http.StatusBadRequest, "The body is invalid (%.100s): send %s.", err, example)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return uploadRequest{}, clientError(http.StatusBadRequest, "The body continues after the end of its JSON object: send only %s.", example)
	}
	if _, err := picture.ID("").Key(want.ContentType); err != nil {
		return uploadRequest{}, clientError(http.StatusBadRequest, "contentType is %.40q: a picture must be image/jpeg, image/png or image/webp.", want.ContentType)
	}
	if want.Size < 1 || want.Size > picture.MaxSize {
		return uploadRequest{}, clientError(http.StatusBadRequest, "size is %d: a picture must have 1 to %d bytes.", want.Size, picture.MaxSize)
	}
	// DecodeString accepts line breaks and nonzero padding bits, so encode again and compare.
	sum, err := base64.StdEncoding.DecodeString(want.SHA256)
	if err != nil || len(sum) != 32 || base64.StdEncoding.EncodeToString(sum) != want.SHA256 {
		return uploadRequest{}, clientError(http.StatusBadRequest, "sha256 is not the base64 of 32 bytes: send the picture's SHA-256 in base64, with padding.")
	}
	return want, nil
}

func (a *api) signUpload(ctx context.Context, l link, want uploadRequest) (grant, error) {
	key, err := l.picture.Key(want.ContentType)
	if err != nil {
		return grant{}, err
	}
	credentials, err := a.objects.Options().Credentials.Retrieve(ctx)
	if err != nil {
		return grant{}, fmt.Errorf("finding AWS credentials: %w", err)
	}
	now, ttl := time.Now(), picture.GrantTTL
	if credentials.CanExpire {
		ttl = min(ttl, credentials.Expires.Sub(now))
	}
	if ttl < time.Minute { // too short for a slow upload
		return grant{}, fmt.Errorf("the AWS credentials expire in %s and are not being renewed", ttl.Round(time.Second))
	}
	signed, err := s3.NewPresignClient(a.objects).PresignPutObject(ctx, &s3.PutObjectInput{
		Bucket: &a.bucket, Key: &key,
		ContentType: &want.ContentType, ContentLength: &want.Size, ChecksumSHA256: &want.SHA256,
		IfNoneMatch: aws.String("*"), // S3 refuses a second upload
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return grant{}, fmt.Errorf("signing the upload of picture %s: %w", l.picture, err)
	}
	granted := grant{ID: l.id, Reference: l.picture, EraseToken: a.eraseToken(l.picture), ExpiresAt: now.Add(ttl).UTC().Truncate(time.Second)}
	granted.Upload.Method, granted.Upload.URL = signed.Method, signed.URL
	granted.Upload.Headers = map[string]string{"content-type": want.ContentType, "x-amz-checksum-sha256": want.SHA256, "if-none-match": "*"}
	return granted, nil
}

func (a *api) bucketOrigin(ctx context.Context) (string, error) {
	granted, err := a.signUpload(ctx, link{}, uploadRequest{ContentType: "image/jpeg", Size: 1})
	if err != nil {
		return "", err
	}
	u, err := url.Parse(granted.Upload.URL)
	if err != nil {
		return "", fmt.Errorf("parsing a signed URL: %w", err)
	}
	return u.Scheme + "://" + u.Host, nil
}
