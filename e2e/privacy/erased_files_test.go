package privacy

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

func TestErasureOfLocalFiles(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	mark := []byte(rand.Text()) // unlike the test's name, not in the path of the data directory
	g := env.Upload(t, append(testenv.Portrait(t), mark...))
	env.Follow(t, g.Link)
	env.AwaitWorkflowEnd(t, g.ID, "")
	clear := map[string][]byte{"picture": mark, "faces": []byte("joyLikelihood")}
	encrypted := encryptedPayloads(t, env, g.ID)
	for name, b := range clear {
		if len(filesWith(t, env.Dir(), b)) == 0 {
			t.Fatalf("no file contains the %s before the erasure", name)
		}
	}
	inStore := func(name string) bool { return strings.HasPrefix(name, "temporal/store/") }
	if !slices.ContainsFunc(filesWith(t, env.Dir(), encrypted...), inStore) {
		t.Fatal("the database does not contain the workflow history before the erasure")
	}

	env.Erase(t, g.Link, g.EraseToken)
	env.AwaitActivity(t, g.ID.EraseWorkflowID(), picture.DeleteHistoryActivity)
	t.Run("no_file_contains_the_picture_or_faces_after_the_first_deletion", func(t *testing.T) {
		for name, b := range clear {
			if files := filesWith(t, env.Dir(), b); len(files) != 0 {
				t.Errorf("%v contain the %s", files, name)
			}
		}
	})
	t.Run("no_file_contains_the_encrypted_history_soon_after_its_deletion", func(t *testing.T) {
		if !stacktest.Eventually(t, func(context.Context) bool { return env.LatestRun(t, g.ID.WorkflowID()) == "" }) {
			t.Fatal("the workflow history still exists")
		}
		var files []string
		if !stacktest.Eventually(t, func(context.Context) bool {
			files = filesWith(t, env.Dir(), encrypted...)
			return len(files) == 0
		}) {
			t.Errorf("%v contain a payload of the history", files)
		}
	})
}

func encryptedPayloads(t *testing.T, env *testenv.Env, id picture.ID) (parts [][]byte) {
	t.Helper()
	plain, err := client.NewLazyClient(client.Options{HostPort: env.Endpoints.Temporal}) // does not decrypt
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	events := plain.GetWorkflowHistory(testenv.Context(t), id.WorkflowID(), "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		completed := event.GetActivityTaskCompletedEventAttributes()
		for _, p := range completed.GetResult().GetPayloads() {
			for middle := p.Data[len(p.Data)/3:]; len(middle) > 1000; middle = middle[1000:] {
				parts = append(parts, middle[:24])
			}
		}
	}
	if len(parts) == 0 {
		t.Fatal("the history has no result of an activity")
	}
	return parts
}

func filesWith(t *testing.T, dir string, parts ...[]byte) (names []string) {
	t.Helper()
	for name, content := range testenv.ReadFiles(t, dir) {
		if slices.ContainsFunc(parts, func(part []byte) bool { return bytes.Contains(content, part) }) {
			names = append(names, name)
		}
	}
	return names
}
