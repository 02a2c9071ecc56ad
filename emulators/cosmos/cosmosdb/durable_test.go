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

// With this variable set, the test binary is the process that gets killed: it serves the file named by
// it, writes through azcosmos, and prints each id once it was acknowledged.
const victimEnv = "COSMOS_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimEnv); path != "" {
		if err := victim(path, os.Getenv(victimEnv+"_KEY")); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// victim writes until it is killed.
func victim(path, key string) error {
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
				answer, err := items.CreateItem(context.Background(), pk("p"), fmt.Appendf(nil, `{"id":%q,"pk":"p"}`, id), nil)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println(id, answer.ETag) // one write, so lines stay whole
			}
		})
	}
	group.Wait()
	return fmt.Errorf("the writers stopped by themselves")
}

func TestDurability(t *testing.T) {
	t.Run("kill_-9_in_mid_stream_loses_nothing_acknowledged", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "cosmos.db")
		s, err := Open(path, testKey)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Server: s}
		web := httptest.NewServer(s)
		w.client = connect(t, web.URL, testKey)
		w.items(t, nil)
		web.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}

		acknowledged := killInMidStream(t, path, 500)

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
			read, err := items.ReadItem(t.Context(), pk("p"), id, nil)
			want(t, "read "+id, err, 0)
			if err == nil && read.ETag != etag {
				t.Errorf("%s has etag %s, acknowledged was %s", id, read.ETag, etag)
			}
		}
		t.Logf("%d documents were acknowledged before the kill, and all are there", len(acknowledged))
	})
}

// killInMidStream lets a victim acknowledge so many writes, kills it while it goes on writing, and gives
// everything it had acknowledged by then.
func killInMidStream(t *testing.T, path string, enough int) map[string]azcore.ETag {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), victimEnv+"="+path, victimEnv+"_KEY="+testKey)
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
		id, etag, whole := strings.Cut(lines.Text(), " ")
		if whole && strings.HasSuffix(etag, `"`) { // the last line may be cut short
			acknowledged[id] = azcore.ETag(etag)
		}
		if len(acknowledged) == enough {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < enough {
		t.Fatalf("the victim ended by itself after %d writes: %v", len(acknowledged), err)
	}
	return acknowledged
}
