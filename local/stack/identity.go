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

	"triptych/emulators/loopback"
)

// identity is what must stay the same from one start to the next: keys, because data was made under them, and
// ports, because URLs that were handed out name them.
type identity struct {
	AccessKey   string         `json:"accessKey"`
	SecretKey   string         `json:"secretKey"`
	CosmosKey   string         `json:"cosmosKey"`
	EraseSecret string         `json:"eraseSecret"`
	Ports       map[string]int `json:"ports"`
}

var ports = []string{"web", "s3", "control", "lambda", "cosmos", "vision", "temporal", "temporalUI"}

// usualPorts are where the temporal CLI looks by itself, and a person for its UI.
var usualPorts = map[string]int{"temporal": 7233, "temporalUI": 8233}

// identify reads the identity kept in dir, or makes one on the usual ports or, where they are not wanted, on any.
// A port that someone else has taken is replaced, and that is said.
func (c Config) identify() (identity, error) {
	path, say := filepath.Join(c.Dir, "identity.json"), c.Say
	var id identity
	switch kept, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
		id = identity{
			AccessKey: "LOCAL" + rand.Text()[:15], SecretKey: secret(), CosmosKey: secret(), EraseSecret: secret(),
			Ports: map[string]int{},
		}
		if !strings.HasSuffix(c.Addr, ":0") {
			maps.Copy(id.Ports, usualPorts)
		}
	case err != nil:
		return id, fmt.Errorf("reading the keys of this data directory: %w", err)
	default:
		if err := json.Unmarshal(kept, &id); err != nil {
			return id, fmt.Errorf("%s is damaged: restore it, or start with another -data: %w", path, err)
		}
	}
	for _, name := range ports {
		kept := id.Ports[name]
		ln, err := loopback.Claim(fmt.Sprintf("127.0.0.1:%d", kept)) // 0 at first: any
		if err != nil {
			fmt.Fprintf(say, "port %d of %s is taken; it moves to another\n", kept, name)
			if ln, err = loopback.Claim("127.0.0.1:0"); err != nil {
				return id, fmt.Errorf("finding a free port: %w", err)
			}
		}
		defer ln.Close() // held until all are chosen, so that none is chosen twice; and claimed until it is used
		id.Ports[name] = ln.Addr().(*net.TCPAddr).Port
	}
	return id, writeJSON(path, id, 0o600)
}

func (id identity) addr(name string) string { return fmt.Sprintf("127.0.0.1:%d", id.Ports[name]) }

func secret() string {
	var b [64]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// writeJSON replaces path whole, so that no reader sees half of it.
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
