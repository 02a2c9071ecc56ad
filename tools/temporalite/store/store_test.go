package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	persistencespb "go.temporal.io/server/api/persistence/v1"
	p "go.temporal.io/server/common/persistence"
	"go.temporal.io/server/common/persistence/serialization"
	"go.temporal.io/server/service/history/tasks"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TestMain runs a process that writes until it is killed, if a test asks for it.
func TestMain(m *testing.M) {
	dir := os.Getenv("STORE_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Open(dir, slog.Default())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := writeSettings(factoryOf(s)); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	written := make(chan int)
	for writer := range 8 {
		go func() {
			for i := writer; ; i += 8 {
				if err := s.write(shards.key().int(int64(i)), row{version: int64(i)}); err != nil {
					panic(err)
				}
				written <- i
			}
		}()
	}
	for i := range written {
		fmt.Println(i)
	}
}

const namespaceID = "0b8c2a1e-5d6f-4b0e-9a53-6c1d2e3f4a5b"

// A process that is killed meanwhile must not leave a part of the tables.
func TestSQLiteTablesAreCreatedInOneTransaction(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	wal, err := os.ReadFile(filepath.Join(dir, "settings.db-wal")) // https://www.sqlite.org/fileformat2.html#the_write_ahead_log
	require.NoError(t, err)
	pageSize := int(binary.BigEndian.Uint32(wal[8:]))
	commits := 0
	for frame := wal[32:]; len(frame) > 0; frame = frame[24+pageSize:] {
		if binary.BigEndian.Uint32(frame[4:]) != 0 {
			commits++
		}
	}
	require.Equal(t, 1, commits)
}

func TestReopenedDatabaseContainsEverything(t *testing.T) {
	dir := t.TempDir()
	s, f := open(t, dir)
	createExecution(t, f, "workflow", "run", []byte("payload"))
	require.NoError(t, s.Close())
	_, _, err := s.get(shards.key())
	require.ErrorAs(t, err, new(*serviceerror.Unavailable))
	require.ErrorAs(t, s.write(shards.key(), row{}), new(*serviceerror.Unavailable))

	_, f = open(t, dir)
	response, err := get(t, f.NewExecutionStore).GetWorkflowExecution(t.Context(), &p.GetWorkflowExecutionRequest{ShardID: 1, NamespaceID: "namespace", WorkflowID: "workflow", RunID: "run"})
	require.NoError(t, err)
	require.Equal(t, "payload", string(response.State.ExecutionInfo.Data))
}

func TestDeletedPayloadLeavesTheFiles(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(*Store) error // between the write and the deletion
		restart bool
	}{
		"from_the_log":        {prepare: func(*Store) error { return nil }},
		"from_a_new_table":    {prepare: func(s *Store) error { return s.pebble.Flush() }},
		"from_the_last_level": {prepare: func(s *Store) error { return s.pebble.Compact(t.Context(), key{0}, key{255}, false) }},
		"after_the_process_is_killed": {prepare: func(s *Store) error {
			s.stop()
			s.background.Wait()
			return s.pebble.Compact(t.Context(), key{0}, key{255}, false)
		}, restart: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, f := open(t, dir)
			kept, info, event := random(), random(), random()
			createExecution(t, f, "kept", "run", kept)
			createExecution(t, f, "workflow", "run", info)
			executions := get(t, f.NewExecutionStore)
			branch := &persistencespb.HistoryBranch{TreeId: "tree", BranchId: "branch"}
			require.NoError(t, executions.AppendHistoryNodes(t.Context(), &p.InternalAppendHistoryNodesRequest{
				BranchInfo: branch, IsNewBranch: true, TreeInfo: blob(nil), Node: p.InternalHistoryNode{NodeID: 1, Events: blob(event)}, ShardID: 1,
			}))
			require.NoError(t, test.prepare(s))
			require.NotEmpty(t, filesWith(t, dir, info))
			require.NotEmpty(t, filesWith(t, dir, event))

			require.NoError(t, executions.DeleteWorkflowExecution(t.Context(), &p.DeleteWorkflowExecutionRequest{ShardID: 1, NamespaceID: "namespace", WorkflowID: "workflow", RunID: "run"}))
			require.NoError(t, executions.DeleteHistoryBranch(t.Context(), &p.InternalDeleteHistoryBranchRequest{
				BranchInfo: branch, ShardID: 1, BranchRanges: []p.InternalDeleteHistoryBranchRange{{BranchId: "branch", BeginNodeId: 1}},
			}))
			if test.restart {
				dir = copyOf(t, dir)
				open(t, dir)
			}
			require.Eventually(t, func() bool { return len(filesWith(t, dir, info))+len(filesWith(t, dir, event)) == 0 }, 30*time.Second, 50*time.Millisecond)
			require.NotEmpty(t, filesWith(t, dir, kept))
		})
	}
}

func TestPaging(t *testing.T) {
	s, _ := open(t, t.TempDir())
	names := []string{"", "\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "a", "a\x00", "a\x00b", "aa", "b", "ä", "\xff", "\xff\xff"}
	all := taskQueues.key().str("namespace")
	for _, name := range names {
		require.NoError(t, s.write(all.str(name), row{blob: blob([]byte(name))}))
	}
	require.NoError(t, s.write(taskQueues.key().str("namespac"), row{}))
	require.NoError(t, s.write(taskQueues.key().str("namespace\x00"), row{}))
	slices.Sort(names)
	for size := range len(names) + 2 {
		for _, reverse := range []bool{false, true} {
			t.Run(fmt.Sprintf("size_%d_reverse_%v", size, reverse), func(t *testing.T) {
				want := slices.Clone(names)
				if reverse {
					slices.Reverse(want)
				}
				var got []string
				some, pages := page{size: size, reverse: reverse}, 0
				for {
					token, err := s.scan(all, all.end(), some, func(k key, r row) {
						name, rest := k[len(all):].cutStr()
						require.Empty(t, rest)
						require.Equal(t, string(r.blob.Data), name)
						got = append(got, name)
					})
					require.NoError(t, err)
					if pages++; token == nil {
						break
					}
					some.token = token
				}
				require.Equal(t, want, got)
				if size > 0 {
					require.Equal(t, (len(names)+size-1)/size, pages)
				}
			})
		}
	}
	t.Run("token_of_another_table_reads_only_the_range", func(t *testing.T) {
		for _, token := range [][]byte{{0}, {1, 2}, {255}, all, taskQueues.key().str("namespac")} {
			for _, reverse := range []bool{false, true} {
				_, err := s.scan(all, all.end(), page{token: token, reverse: reverse}, func(k key, _ row) {
					require.True(t, bytes.HasPrefix(k, all))
				})
				require.NoError(t, err)
			}
		}
	})
}

func TestIntegersSortByValue(t *testing.T) {
	numbers := []int64{math.MinInt64, -1 << 32, -2, -1, 0, 1, 2, 255, 256, 1 << 32, math.MaxInt64}
	require.True(t, slices.IsSortedFunc(numbers, func(a, b int64) int { return bytes.Compare(shards.key().int(a), shards.key().int(b)) }))
	for _, n := range numbers {
		got, rest := shards.key().int(n)[1:].cutInt()
		require.Equal(t, n, got)
		require.Empty(t, rest)
	}
}

func TestListOfExecutionsContainsEachOnce(t *testing.T) {
	_, f := open(t, t.TempDir())
	var want []string
	for i := range 5 {
		payload := fmt.Sprint("payload ", i)
		createExecution(t, f, fmt.Sprint("workflow ", i), "run", []byte(payload))
		want = append(want, payload)
	}
	for size := 1; size <= 6; size++ {
		var got []string
		request := &p.ListConcreteExecutionsRequest{ShardID: 1, PageSize: size}
		for {
			response, err := get(t, f.NewExecutionStore).ListConcreteExecutions(t.Context(), request)
			require.NoError(t, err)
			for _, state := range response.States {
				got = append(got, string(state.ExecutionInfo.Data))
			}
			if request.PageToken = response.NextPageToken; request.PageToken == nil {
				break
			}
		}
		require.Equal(t, want, got)
	}
}

func TestTaskQueueOfAnEndedWorkerIsDeletedAfterItsExpiry(t *testing.T) {
	now := time.Now().Add(time.Hour) // the store itself, which uses the real time, deletes none of these queues
	for name, test := range map[string]struct {
		expiry *timestamppb.Timestamp
		exists bool
	}{
		"common_queue_stays":         {nil, true},
		"queue_before_expiry_stays":  {timestamppb.New(now.Add(time.Second)), true},
		"queue_after_expiry_is_gone": {timestamppb.New(now.Add(-time.Second)), false},
	} {
		for _, fair := range []bool{false, true} {
			t.Run(fmt.Sprint(name, "_with_fairness_", fair), func(t *testing.T) {
				s, _ := open(t, t.TempDir())
				tasks := taskStore{database: s.database, fair: fair}
				info, err := serialization.NewSerializer().TaskQueueInfoToBlob(&persistencespb.TaskQueueInfo{ExpiryTime: test.expiry})
				require.NoError(t, err)
				require.NoError(t, tasks.CreateTaskQueue(t.Context(), &p.InternalCreateTaskQueueRequest{TaskQueue: "worker", RangeID: 1, TaskQueueInfo: info}))
				_, err = tasks.CreateTasks(t.Context(), &p.InternalCreateTasksRequest{TaskQueue: "worker", RangeID: 1, Tasks: []*p.InternalCreateTask{{TaskPass: 1, TaskId: 1, Task: blob([]byte("task"))}}})
				require.NoError(t, err)

				require.NoError(t, s.expireQueues(now))
				_, err = tasks.GetTaskQueue(t.Context(), &p.InternalGetTaskQueueRequest{TaskQueue: "worker"})
				require.Equal(t, test.exists, err == nil, "%v", err)
				n := 0
				_, err = s.scan(matchingTasks.key(), matchingTasks.key().end(), page{}, func(key, row) { n++ })
				require.NoError(t, err)
				require.Equal(t, test.exists, n == 1)
			})
		}
	}
}

func TestEmptyRangeOfHistoryTasksDeletesNothing(t *testing.T) {
	_, f := open(t, t.TempDir())
	createExecution(t, f, "workflow", "run", nil)
	executions := get(t, f.NewExecutionStore)
	task := p.InternalHistoryTask{Key: tasks.NewKey(time.Unix(5, 0), 1), Blob: blob(nil)}
	require.NoError(t, executions.AddHistoryTasks(t.Context(), &p.InternalAddHistoryTasksRequest{
		ShardID: 1, RangeID: 1, Tasks: map[tasks.Category][]p.InternalHistoryTask{tasks.CategoryTimer: {task}},
	}))
	for _, end := range []tasks.Key{task.Key, tasks.NewKey(time.Unix(1, 0), 0)} {
		require.NoError(t, executions.RangeCompleteHistoryTasks(t.Context(), &p.RangeCompleteHistoryTasksRequest{
			ShardID: 1, TaskCategory: tasks.CategoryTimer, InclusiveMinTaskKey: task.Key, ExclusiveMaxTaskKey: end,
		}))
	}
	response, err := executions.GetHistoryTasks(t.Context(), &p.GetHistoryTasksRequest{
		ShardID: 1, TaskCategory: tasks.CategoryTimer, InclusiveMinTaskKey: tasks.MinimumKey, ExclusiveMaxTaskKey: tasks.MaximumKey, BatchSize: 10,
	})
	require.NoError(t, err)
	require.Len(t, response.Tasks, 1)
}

// createExecution creates a workflow execution in shard 1.
func createExecution(t *testing.T, f p.DataStoreFactory, workflow, run string, info []byte) {
	t.Helper()
	_, err := get(t, f.NewShardStore).GetOrCreateShard(t.Context(), &p.InternalGetOrCreateShardRequest{
		ShardID: 1, CreateShardInfo: func() (int64, *commonpb.DataBlob, error) { return 1, blob(nil), nil },
	})
	require.NoError(t, err)
	state := &persistencespb.WorkflowExecutionState{RunId: run}
	stateBlob, err := serialization.WorkflowExecutionStateToBlob(state)
	require.NoError(t, err)
	_, err = get(t, f.NewExecutionStore).CreateWorkflowExecution(context.Background(), &p.InternalCreateWorkflowExecutionRequest{
		ShardID: 1, RangeID: 1, Mode: p.CreateWorkflowModeBrandNew, NewWorkflowSnapshot: p.InternalWorkflowSnapshot{
			NamespaceID: "namespace", WorkflowID: workflow, RunID: run, ExecutionInfoBlob: blob(info), ExecutionState: state, ExecutionStateBlob: stateBlob,
		},
	})
	require.NoError(t, err)
}

func blob(data []byte) *commonpb.DataBlob {
	return &commonpb.DataBlob{EncodingType: enumspb.ENCODING_TYPE_PROTO3, Data: data}
}

func random() []byte {
	b := make([]byte, 1000)
	_, _ = io.ReadFull(rand.Reader, b)
	return b
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	image := t.TempDir()
	for name, content := range files(t, dir) {
		require.NoError(t, os.WriteFile(filepath.Join(image, name), content, 0o600))
	}
	return image
}

// files returns what a killed process would leave.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	contents := map[string][]byte{}
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) { // Pebble deleted an obsolete file
			continue
		}
		require.NoError(t, err)
		contents[entry.Name()] = content
	}
	return contents
}

func filesWith(t *testing.T, dir string, part []byte) (names []string) {
	t.Helper()
	for name, content := range files(t, dir) {
		if bytes.Contains(content, part) {
			names = append(names, name)
		}
	}
	return names
}

func TestDataStayInADirectoryWhoseNameHasCharactersOfAURI(t *testing.T) {
	for _, name := range []string{"a#b", "a?b", "a%41b", "a b"} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			open(t, filepath.Join(parent, name))
			require.FileExists(t, filepath.Join(parent, name, "settings.db"))
			entries, err := os.ReadDir(parent)
			require.NoError(t, err)
			require.Len(t, entries, 1)
		})
	}
}
