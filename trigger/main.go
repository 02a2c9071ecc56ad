// Command trigger is the Lambda function of the bucket's S3 events. It starts a workflow for each uploaded picture, which
// is idempotent. It retries nothing: after an error, Lambda delivers the event again, and finally to the dead-letter queue.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"triptych/internal/telemetry"
)

func main() {
	slog.SetDefault(telemetry.NewLogger(os.Stderr, os.Getenv))
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		slog.Error("trigger is a Lambda function and only runs inside one; to try it on this machine: go run ./local")
		os.Exit(2)
	}
	lambda.Start((&trigger{}).handle)
}
