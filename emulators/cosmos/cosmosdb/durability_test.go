package cosmosdb

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

const writerEnv = "COSMOS_TEST_FILE" // the database file that a child process writes

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		if err := writeForever(path, os.Getenv(writerEnv+"_KEY")); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func writeForever(path, key string) error {
	s, err := Open(path, key)
	if err != nil {
		return err
	}
	web := httptest.NewServer(s)
	credential, err := azcosmos.NewKeyCredential(key)
	if err != nil {
		return err
	}
	client, err := azcosmos.NewClientWithKey(web.URL, credential, nil)
	if err != nil {
		return err
	}
	items, err := client.NewContainer("db", "c")
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	for writer := range 8 {
		group.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d", writer, i)
				created, err := items.CreateItem(context.Background(), partition(id), item(id), nil)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println(id, created.ETag) // one write call: lines of different goroutines do not mix
			}
		})
	}
	group.Wait()
	return fmt.Errorf("all writers failed")
}

func TestDurability(t *testing.T) {
	t.Run("kill_-9_during_writes_loses_no_acknowledged_document", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cosmos.db")
		s, err := Open(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		e := &emulator{Server: s}
		web := httptest.NewServer(s)
		e.client = connect(t, web.URL, testKey)
		e.newContainer(t)
		web.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		acknowledged := killDuringWrites(t, path, 500)

		s, err = Open(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		web = httptest.NewServer(s)
		defer web.Close()
		items, err := connect(t, web.URL, testKey).NewContainer("db", "c")
		if err != nil {
			t.Fatal(err)
		}
		for id, etag := range acknowledged {
			read, err := items.ReadItem(t.Context(), partition(id), id, nil)
			expectStatus(t, "read "+id, err, 0)
			if err == nil && read.ETag != etag {
				t.Errorf("document %s has etag %s, want the acknowledged %s", id, read.ETag, etag)
			}
		}
		t.Logf("%d documents were acknowledged before the kill", len(acknowledged))
	})
}

func killDuringWrites(t *testing.T, path string, count int) map[string]azcore.ETag {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), writerEnv+"="+path, writerEnv+"_KEY="+testKey)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[string]azcore.ETag{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, etag, complete := strings.Cut(lines.Text(), " ")
		if complete && strings.HasSuffix(etag, `"`) { // the last line may be incomplete
			acknowledged[id] = azcore.ETag(etag)
		}
		if len(acknowledged) == count {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < count {
		t.Fatalf("the process ended before it was killed, after %d writes: %v", len(acknowledged), err)
	}
	return acknowledged
}
