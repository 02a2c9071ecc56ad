// Command trigger is the Lambda behind the bucket: an S3 event comes in, a workflow is started for each
// picture in it. It keeps nothing and retries nothing: an error makes Lambda deliver the event again and, at
// last, to the dead letters, and starting a picture again is harmless. It links no cloud but AWS.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		slog.Error("trigger is a Lambda function and runs inside one; to try it on this machine: go run ./local")
		os.Exit(2)
	}
	lambda.Start((&trigger{}).handle)
}
