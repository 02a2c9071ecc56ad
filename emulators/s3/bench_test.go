package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Run: go test -run '^$' -bench Put -cpu 1,16 ./emulators/s3
func BenchmarkPut(b *testing.B) {
	l := startLambda(b)
	s := start(b, b.TempDir(), l.URL)
	body := bytes.Repeat([]byte("picture!"), 25_000)
	sum := checksum(string(body))
	signer := s3.NewPresignClient(s.Client)
	var n atomic.Int64
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 64
	b.SetBytes(int64(len(body)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			signed, err := signer.PresignPutObject(b.Context(), &s3.PutObjectInput{
				Bucket: aws.String(bucket), Key: aws.String(fmt.Sprintf("pictures/%d.jpg", n.Add(1))), ContentType: aws.String("image/jpeg"),
				ContentLength: aws.Int64(int64(len(body))), ChecksumSHA256: &sum, IfNoneMatch: aws.String("*"),
			})
			if err != nil {
				b.Error(err)
				return
			}
			if resp := do(b, "PUT", signed.URL, headers(signed), string(body)); resp.StatusCode != 200 {
				b.Errorf("PUT: %s %s", resp.Status, strings.TrimSpace(text(b, resp)))
				return
			}
		}
	})
	for range n.Load() {
		l.next(b)
	}
	b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "pictures/s")
}
