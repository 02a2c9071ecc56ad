package upgrade

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/childprocess"
	"triptych/local/supervisor"
)

// edit replaces a text that the source file contains once.
type edit struct{ file, old, new string }

// Each of these two changes replaces a local activity by a durable one, which is a different command in the history.
var (
	persistDurably = edit{"workflows/annotate_picture.go",
		"\treturn localFirst[picture.Outcome](ctx, string(picture.PersistStep), in)\n", `
		if workflow.GetVersion(ctx, "persist-durably", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			return localFirst[picture.Outcome](ctx, string(picture.PersistStep), in)
		}
		var outcome picture.Outcome
		err := workflow.ExecuteActivity(defaultOptions(ctx, string(picture.PersistStep)), string(picture.PersistStep), in).Get(ctx, &outcome)
		return outcome, err
`}
	presignDurably = edit{"workflows/annotate_picture.go",
		"\tsigned, err := localFirst[activities.PresignResult](ctx, string(picture.PresignStep), order.Picture)\n", `
		var signed activities.PresignResult
		var err error
		if workflow.GetVersion(ctx, "presign-durably", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
			signed, err = localFirst[activities.PresignResult](ctx, string(picture.PresignStep), order.Picture)
		} else {
			err = workflow.ExecuteActivity(defaultOptions(ctx, string(picture.PresignStep)), string(picture.PresignStep), order.Picture).Get(ctx, &signed)
		}
`}
	release = edit{"workflows/released.go",
		"map[string]workflow.Version{", `map[string]workflow.Version{"persist-durably": 1, "presign-durably": 1, `}
)

// buildWorker returns the path of a worker whose sources have the edits.
func buildWorker(t *testing.T, name string, edits ...edit) string {
	t.Helper()
	_, source, _, _ := runtime.Caller(0)
	root, dir := filepath.Join(filepath.Dir(source), "../.."), t.TempDir()
	changed := map[string]string{}
	for _, e := range edits {
		path := filepath.Join(root, e.file)
		if changed[path] == "" {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			changed[path] = string(content)
		}
		if strings.Count(changed[path], e.old) != 1 {
			t.Fatalf("%s must contain this text once, so that the test can change it:\n%s", e.file, e.old)
		}
		changed[path] = strings.Replace(changed[path], e.old, e.new, 1)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, content := range changed {
		overlay.Replace[path] = filepath.Join(dir, filepath.Base(path))
		write(t, overlay.Replace[path], []byte(content))
	}
	b, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "overlay.json"), b)
	lock, err := supervisor.LockBuilds(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	worker := filepath.Join(dir, name)
	// With the tag of local/supervisor, both builds share the cache of compiled packages.
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-overlay", filepath.Join(dir, "overlay.json"), "-o", worker, "./worker")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the worker %s: %v\n%s", name, err, out)
	}
	return worker
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// deployment replaces workers as ECS does: it stops the old one when the new one is ready.
type deployment struct {
	*testenv.Env
	stop   func(syscall.Signal) // stops the serving worker
	starts int
}

func (d *deployment) deploy(t *testing.T, worker string, stopOld syscall.Signal) {
	t.Helper()
	d.starts++
	name := fmt.Sprintf("%d-%s", d.starts, filepath.Base(worker))
	ready := filepath.Join(d.Dir(), name+".ready")
	log, err := os.Create(filepath.Join(d.Dir(), "logs", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(worker, "-ready", ready)
	cmd.Env, cmd.Stdout, cmd.Stderr = d.ProgramEnvironment("worker"), log, log
	if err := childprocess.Start(cmd); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		defer log.Close()
		_ = cmd.Wait() // the test stops it with a signal
	}()
	if !stacktest.Eventually(t, func(context.Context) bool { _, err := os.Stat(ready); return err == nil }) {
		t.Fatalf("the worker is not ready; its log is %s", log.Name())
	}
	d.stop(stopOld)
	d.stop = func(signal syscall.Signal) {
		_ = cmd.Process.Signal(signal) // fails only if the worker has exited
		<-exited
	}
	t.Logf("deployed %s", name)
}
