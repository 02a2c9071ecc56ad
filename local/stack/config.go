package stack

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Config configures a stack.
type Config struct {
	Dir      string    // data directory; created if it does not exist
	Addr     string    // host:port of the site
	Temporal string    // host:port of a running Temporal server; "" starts one
	Real     []string  // clouds to use instead of their emulators: "aws", "google", "azure"
	Output   io.Writer // messages for a person

	// The fields of Config below this line are for tests and benchmarks only.

	// WorkerProxy returns the address that the worker uses in place of `addr`, which is the address of the service. A
	// test or benchmark can return the address of a proxy. The parameter `service` is s3, vision, cosmos or temporal.
	WorkerProxy   func(service, addr string) (string, error)
	WrapCosmos    func(http.Handler) http.Handler // wraps the handler of the Cosmos DB emulator
	ExtraPrograms map[string]string               // packages for StartProgram, by name
}

func (c Config) real(cloud string) bool { return slices.Contains(c.Real, cloud) }

// Endpoints contains the addresses and keys of a running stack. It is the content of endpoints.json.
type Endpoints struct {
	Site       string `json:"site"`
	S3         string `json:"s3"`
	Cosmos     string `json:"cosmos"`
	Vision     string `json:"vision"`
	Temporal   string `json:"temporal"`
	TemporalUI string `json:"temporalUI"`
	Bucket     string `json:"bucket"`
	AccessKey  string `json:"accessKey"`
	SecretKey  string `json:"secretKey"`
	CosmosKey  string `json:"cosmosKey"`
}

// String returns one line per address.
func (e Endpoints) String() string {
	var b strings.Builder
	for _, line := range [][2]string{{"site", e.Site}, {"Temporal UI", e.TemporalUI}, {"Temporal", e.Temporal},
		{"S3", e.S3 + "/" + e.Bucket}, {"Cloud Vision", e.Vision}, {"Cosmos DB", e.Cosmos}} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-13s %s\n", line[0], line[1])
		}
	}
	return b.String()
}
