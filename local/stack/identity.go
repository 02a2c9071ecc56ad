package stack

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"

	"triptych/internal/loopback"
)

// identity contains keys and ports that stay the same across restarts: stored data depends on the keys, and clients
// keep URLs with the ports.
type identity struct {
	AccessKey   string         `json:"accessKey"`
	SecretKey   string         `json:"secretKey"`
	CosmosKey   string         `json:"cosmosKey"`
	EraseSecret string         `json:"eraseSecret"`
	PayloadKeys string         `json:"payloadKeys"` // see pipeline.ParseKeys
	Ports       map[string]int `json:"ports"`

	Programs map[string]programKeys `json:"programs"` // of the programs that Terraform gives permissions
}

// programKeys stand for the roles of a program in AWS and Azure.
type programKeys struct {
	AccessKey string `json:"accessKey"`
	SecretKey string `json:"secretKey"`
	CosmosKey string `json:"cosmosKey"`
}

var portNames = []string{"s3", "control", "lambda", "cosmos", "vision", "temporal", "temporalUI", "codec", "ssm", "traces"}

// These ports are the defaults of the Temporal CLI.
var defaultPorts = map[string]int{"temporal": 7233, "temporalUI": 8233}

func (c Config) identify() (identity, error) {
	path := filepath.Join(c.Dir, "identity.json")
	var id identity
	switch stored, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		id = identity{
			AccessKey: newAccessKey(), SecretKey: secret(64), CosmosKey: secret(64), EraseSecret: secret(64), PayloadKeys: "local:" + secret(32),
			Ports: map[string]int{},
		}
		if !strings.HasSuffix(c.Addr, ":0") {
			maps.Copy(id.Ports, defaultPorts)
		}
	case err != nil:
		return id, fmt.Errorf("reading the keys of the data directory: %w", err)
	default:
		if err := json.Unmarshal(stored, &id); err != nil {
			return id, fmt.Errorf("%s is damaged: restore it, or choose another directory with -data: %w", path, err)
		}
	}
	if id.Programs == nil {
		id.Programs = map[string]programKeys{}
		for _, program := range []string{"worker", "web", "trigger"} {
			id.Programs[program] = programKeys{newAccessKey(), secret(64), secret(64)}
		}
	}
	for _, name := range portNames {
		if c.Temporal != "" && strings.HasPrefix(name, "temporal") {
			continue // their ports are not used, and may be those of the other server
		}
		port := id.Ports[name] // 0 if new: any free port
		ln, err := loopback.Claim(loopbackAddr(port))
		if err != nil {
			fmt.Fprintf(c.Output, "Port %d of %s is in use; choosing another\n", port, name)
			if ln, err = loopback.Claim("127.0.0.1:0"); err != nil {
				return id, fmt.Errorf("finding a free port: %w", err)
			}
		}
		defer ln.Close() // not before all ports are chosen, so that none is chosen twice
		id.Ports[name] = ln.Addr().(*net.TCPAddr).Port
	}
	return id, writeJSON(path, id, 0o600)
}

func (id identity) addr(name string) string { return loopbackAddr(id.Ports[name]) }

func newAccessKey() string { return "LOCAL" + rand.Text()[:15] }

// secret returns the base64 of n random bytes.
func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// writeJSON replaces the file atomically.
func writeJSON(path string, v any, mode fs.FileMode) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
