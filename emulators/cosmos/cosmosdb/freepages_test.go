package cosmosdb

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"go.etcd.io/bbolt"
)

const secret = "joyLikelihood"

func TestReplacedDocument(t *testing.T) {
	large := member{"text", quote(strings.Repeat(secret+" ", 2000))} // on several pages
	small := member{"text", quote(secret)}
	for name, secrets := range map[string][]member{"small": {small}, "large": {large}, "replaced_twice": {small, large}} {
		t.Run(name+"_document_is_not_in_the_file_after_its_replacement", func(t *testing.T) {
			e := newEmulator(t)
			items := e.newContainer(t)
			create := creator(t, items)
			for i := range 50 { // neighbours, whose writes copy the page of the document
				create(fmt.Sprint("a", i))
			}
			create("b", secrets[0])
			for i := range 50 {
				create(fmt.Sprint("b", i))
			}
			for _, s := range secrets[1:] {
				_, err := items.ReplaceItem(t.Context(), partition("b"), "b", item("b", s), nil)
				expectStatus(t, "replace", err, 0)
			}
			if countSecrets(t, e.file.Name()) == 0 {
				t.Fatal("the file does not contain the document before it is erased")
			}
			_, err := items.ReplaceItem(t.Context(), partition("b"), "b", item("b"), nil)
			expectStatus(t, "replace", err, 0)
			if n := countSecrets(t, e.file.Name()); n != 0 {
				t.Errorf("the file contains the replaced document %d times", n)
			}
			e.checkConsistent(t)
		})
	}
	t.Run("of_a_killed_process_is_not_in_the_file_after_the_next_start", func(t *testing.T) {
		e := newEmulator(t)
		create := creator(t, e.newContainer(t))
		create("a", large)
		if err := e.db.Update(func(tx *bbolt.Tx) error {
			_, documents, err := openDocuments(tx, target{names: []string{"db", "c"}})
			if err != nil {
				return err
			}
			return documents.Put([]byte("a"), item("a"))
		}); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(e.file.Name())
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "cosmos.db")
		if err := os.WriteFile(copied, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if countSecrets(t, copied) == 0 {
			t.Fatal("the file does not contain the replaced document before the start")
		}
		s, err := Open(copied, testKey)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if n := countSecrets(t, copied); n != 0 {
			t.Errorf("the file contains the replaced document %d times", n)
		}
	})
	t.Run("can_be_read_while_other_documents_are_replaced", func(t *testing.T) {
		e := newEmulator(t)
		items := e.newContainer(t)
		create := creator(t, items)
		create("read", large)
		create("replaced", large)
		stop, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for stop.Err() == nil {
					read, err := items.ReadItem(t.Context(), partition("read"), "read", nil)
					if err != nil || bytes.Count(read.Value, []byte(secret)) != 2000 {
						t.Errorf("read %d bytes, %v", len(read.Value), err)
						return
					}
				}
			})
		}
		for i := range 100 {
			m := large
			if i%2 == 0 {
				m = small
			}
			_, err := items.ReplaceItem(t.Context(), partition("replaced"), "replaced", item("replaced", m), nil)
			expectStatus(t, "replace", err, 0)
		}
		cancel()
		group.Wait()
		e.checkConsistent(t)
	})
}

func creator(t *testing.T, items *azcosmos.ContainerClient) func(id string, members ...member) {
	return func(id string, members ...member) {
		t.Helper()
		_, err := items.CreateItem(t.Context(), partition(id), item(id, members...), nil)
		expectStatus(t, "create "+id, err, 0)
	}
}

func countSecrets(t *testing.T, path string) int {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(content, []byte(secret))
}

func (e *emulator) checkConsistent(t *testing.T) {
	t.Helper()
	e.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error("the file is damaged:", err)
		}
		return nil
	})
}
