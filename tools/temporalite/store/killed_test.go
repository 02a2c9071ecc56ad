package store

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	p "go.temporal.io/server/common/persistence"
)

// startWriter returns a process that writes into a directory, and the numbers that it wrote.
func startWriter(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "STORE_TEST_DIR="+dir)
	child.Stderr = os.Stderr
	stdout, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	return child, bufio.NewScanner(stdout)
}

func TestKilledProcessLosesNoAcknowledgedWrite(t *testing.T) {
	dir := t.TempDir()
	child, lines := startWriter(t, dir)
	var written []int
	for lines.Scan() {
		i, err := strconv.Atoi(lines.Text())
		require.NoError(t, err)
		if written = append(written, i); len(written) == 5000 {
			require.NoError(t, child.Process.Kill())
		}
	}
	s, _ := open(t, dir)
	for _, i := range written {
		r, found, err := s.get(shards.key().int(int64(i)))
		require.NoError(t, err)
		require.True(t, found && r.version == int64(i), "write %d of %d is lost", i, len(written))
	}
}

// writeSettings writes into each store that is in SQLite.
func writeSettings(f p.DataStoreFactory) error {
	ctx := context.Background()
	namespaces, err := f.NewMetadataStore()
	if err == nil {
		_, err = namespaces.CreateNamespace(ctx, &p.InternalCreateNamespaceRequest{ID: namespaceID, Name: "namespace", Namespace: blob([]byte("namespace"))})
	}
	clusters, err := after(err, f.NewClusterMetadataStore)
	if err == nil {
		_, err = clusters.SaveClusterMetadata(ctx, &p.InternalSaveClusterMetadataRequest{ClusterName: "active", ClusterMetadata: blob([]byte("cluster"))})
	}
	endpoints, err := after(err, f.NewNexusEndpointStore)
	if err == nil {
		err = endpoints.CreateOrUpdateNexusEndpoint(ctx, &p.InternalCreateOrUpdateNexusEndpointRequest{
			Endpoint: p.InternalNexusEndpoint{ID: namespaceID, Data: blob([]byte("endpoint"))},
		})
	}
	changes, err := after(err, func() (p.Queue, error) { return f.NewQueue(p.NamespaceReplicationQueueType) })
	if err == nil {
		err = changes.EnqueueMessage(ctx, blob([]byte("change")))
	}
	queues, err := after(err, f.NewQueueV2)
	if err == nil {
		_, err = queues.CreateQueue(ctx, &p.InternalCreateQueueRequest{QueueType: p.QueueTypeHistoryDLQ, QueueName: "queue"})
	}
	if err == nil {
		_, err = queues.EnqueueMessage(ctx, &p.InternalEnqueueMessageRequest{QueueType: p.QueueTypeHistoryDLQ, QueueName: "queue", Blob: blob([]byte("dead letter"))})
	}
	taskQueues, err := after(err, f.NewTaskStore)
	if err == nil {
		err = taskQueues.UpdateTaskQueueUserData(ctx, &p.InternalUpdateTaskQueueUserDataRequest{NamespaceID: namespaceID,
			Updates: map[string]*p.InternalSingleTaskQueueUserDataUpdate{"queue": {UserData: blob([]byte("user data"))}}})
	}
	return err
}

func after[S any](err error, create func() (S, error)) (s S, _ error) {
	if err != nil {
		return s, err
	}
	return create()
}

func TestKilledProcessKeepsTheStoresInSQLite(t *testing.T) {
	dir := t.TempDir()
	child, lines := startWriter(t, dir)
	require.True(t, lines.Scan(), "the process ended")
	require.NoError(t, child.Process.Kill())
	_ = child.Wait()

	_, f := open(t, dir)
	ctx := t.Context()
	namespace, err := get(t, f.NewMetadataStore).GetNamespace(ctx, &p.GetNamespaceRequest{Name: "namespace"})
	require.NoError(t, err)
	require.Equal(t, "namespace", string(namespace.Namespace.Data))
	cluster, err := get(t, f.NewClusterMetadataStore).GetClusterMetadata(ctx, &p.InternalGetClusterMetadataRequest{ClusterName: "active"})
	require.NoError(t, err)
	require.Equal(t, "cluster", string(cluster.ClusterMetadata.Data))
	endpoint, err := get(t, f.NewNexusEndpointStore).GetNexusEndpoint(ctx, &p.GetNexusEndpointRequest{ID: namespaceID})
	require.NoError(t, err)
	require.Equal(t, "endpoint", string(endpoint.Data.Data))
	changes, err := get(t, func() (p.Queue, error) { return f.NewQueue(p.NamespaceReplicationQueueType) }).ReadMessages(ctx, -1, 10)
	require.NoError(t, err)
	require.Len(t, changes, 1)
	letters, err := get(t, f.NewQueueV2).ReadMessages(ctx, &p.InternalReadMessagesRequest{QueueType: p.QueueTypeHistoryDLQ, QueueName: "queue", PageSize: 10})
	require.NoError(t, err)
	require.Len(t, letters.Messages, 1)
	data, err := get(t, f.NewFairTaskStore).GetTaskQueueUserData(ctx, &p.GetTaskQueueUserDataRequest{NamespaceID: namespaceID, TaskQueue: "queue"})
	require.NoError(t, err)
	require.Equal(t, "user data", string(data.UserData.Data))
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, lines := startWriter(t, dir)
	require.True(t, lines.Scan())
	_, err := Open(dir, slog.Default())
	require.ErrorContains(t, err, "another process may use")
}

func TestDatabaseOpensAfterAnUncleanEnd(t *testing.T) {
	const rows = 200 // several blocks of the log, 32 kB each
	dir := t.TempDir()
	s, _ := open(t, dir)
	require.NoError(t, s.Close())
	s, _ = open(t, dir) // the first log of a database has an older format
	for i := range rows {
		require.NoError(t, s.write(shards.key().int(int64(i)), row{version: int64(i), blob: blob(random())}))
	}
	for name, test := range map[string]struct {
		damage func([]byte) []byte
		atMost int // lost rows
	}{
		"log_is_complete":                  {func(b []byte) []byte { return b }, 0},
		"last_record_is_cut":               {func(b []byte) []byte { return b[:len(b)-1] }, 1},
		"last_record_is_zero":              {func(b []byte) []byte { clear(b[len(b)-10:]); return b }, 1},
		"log_is_cut_in_the_middle":         {func(b []byte) []byte { return b[:len(b)/2] }, rows},
		"log_is_corrupt_in_the_middle":     {func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, rows},
		"first_half_of_the_log_is_missing": {func(b []byte) []byte { clear(b[:len(b)/2]); return b }, rows},
		"log_is_empty":                     {func([]byte) []byte { return nil }, rows},
	} {
		t.Run(name, func(t *testing.T) {
			image := copyOf(t, dir)
			logs, err := filepath.Glob(filepath.Join(image, "*.log"))
			require.NoError(t, err)
			require.Len(t, logs, 1)
			b, err := os.ReadFile(logs[0])
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(logs[0], test.damage(b), 0o600))

			s, _ := open(t, image)
			kept := 0
			_, err = s.scan(shards.key(), shards.key().end(), page{}, func(_ key, r row) {
				require.EqualValues(t, kept, r.version, "an earlier write is lost")
				kept++
			})
			require.NoError(t, err)
			require.GreaterOrEqual(t, kept, rows-test.atMost)
			require.NoError(t, s.write(shards.key().int(rows), row{}))
		})
	}
}
