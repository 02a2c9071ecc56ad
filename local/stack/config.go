package stack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

type Config struct {
	Dir      string    // data directory; created if it does not exist
	Addr     string    // host:port of the site
	Temporal string    // host:port of a running Temporal server; "" starts one
	Real     []string  // clouds to use instead of their emulators: "aws", "google", "azure"
	OTLP     bool      // show traces
	Output   io.Writer // messages for a person

	// The fields below are for tests and benchmarks only.

	// WorkerProxy returns the address of a proxy that the worker uses instead of addr. The service is s3, vision,
	// cosmos or temporal.
	WorkerProxy   func(service, addr string) (string, error)
	WrapCosmos    func(http.Handler) http.Handler // wraps the handler of the Cosmos DB emulator
	ExtraPrograms map[string]string               // packages for StartProgram, by name

	// HoldServer delays the build of the Temporal server until it returns. The stack then behaves as if the server was
	// never built before. An error fails the build.
	HoldServer func(ctx context.Context, report func(compiled, packages int)) error

	ProgramEnv []string // variables of web, trigger and the workers
}

func (c Config) real(cloud string) bool { return slices.Contains(c.Real, cloud) }

// Endpoints is written to endpoints.json when the stack is ready.
type Endpoints struct {
	Site        string `json:"site"`
	S3          string `json:"s3"`
	Cosmos      string `json:"cosmos"`
	Vision      string `json:"vision"`
	Temporal    string `json:"temporal"`
	TemporalUI  string `json:"temporalUI"`
	Traces      string `json:"traces,omitempty"` // page and OTLP endpoint; "" without Config.OTLP
	Bucket      string `json:"bucket"`
	AccessKey   string `json:"accessKey"`
	SecretKey   string `json:"secretKey"`
	CosmosKey   string `json:"cosmosKey"`
	PayloadKeys string `json:"payloadKeys"` // see pipeline.ParseKeys
}

// String returns one line per address.
func (e Endpoints) String() string {
	var b strings.Builder
	for _, line := range [][2]string{{"site", e.Site}, {"Temporal UI", e.TemporalUI}, {"traces", e.Traces}, {"Temporal", e.Temporal},
		{"S3", e.S3 + "/" + e.Bucket}, {"Cloud Vision", e.Vision}, {"Cosmos DB", e.Cosmos}} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-13s %s\n", line[0], line[1])
		}
	}
	return b.String()
}
