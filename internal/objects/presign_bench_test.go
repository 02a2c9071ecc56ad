package objects

import (
	"crypto/rand"
	"testing"
	"time"

	"triptych/picture"
)

func BenchmarkSignGet(b *testing.B) {
	b.Setenv("AWS_REGION", "eu-central-1")
	b.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	b.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	client := openClient(b)
	key, err := picture.NewID(time.Now(), rand.Text()).Key("image/jpeg")
	if err != nil {
		b.Fatal(err)
	}
	p, err := picture.New("bucket", key, "3HL4kqtJvjVBH40Nrjfkd3q9nRk0mAbc", "d41d8cd98f00b204e9800998ecf8427e", 345_678, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := SignGet(b.Context(), client, p, 15*time.Minute); err != nil {
			b.Fatal(err)
		}
	}
}
