package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"triptych/internal/records"
	"triptych/local/stack"
	"triptych/picture"
)

// TestFault is the part of the fault suite (see fault) that needs the whole of local to die.
func TestFault(t *testing.T) {
	program := local(t)
	t.Run("kill_-9_of_everything_in_mid-run_loses_no_picture", func(t *testing.T) {
		dir := t.TempDir()
		photo := portrait(t)

		first := launch(t, program, dir)
		visitor := site(first.endpoints.Site)
		var ids []picture.ID
		for range 20 {
			ids = append(ids, visitor.take(t, photo).ID)
		}
		visitor.follow(t, ids[0]) // one is through; most of the others are on their way
		first.end(t, syscall.SIGKILL)

		again := launch(t, program, dir)
		if again.endpoints != first.endpoints {
			t.Errorf("everything moved: %+v, was %+v", again.endpoints, first.endpoints)
		}
		visitor = site(again.endpoints.Site)
		for _, id := range ids {
			if settled := visitor.follow(t, id); settled.Status != picture.Annotated {
				t.Errorf("picture %s ended %s", id.Redacted(), settled.Status)
			}
		}
		checkClosed(t, again.endpoints, ids)
		again.end(t, syscall.SIGKILL)
	})
}

// checkClosed wants each picture's Record to be of a run that has ended well, and of its only one.
func checkClosed(t *testing.T, e stack.Endpoints, ids []picture.ID) {
	t.Helper()
	container, err := records.Open(records.Config{Endpoint: e.Cosmos, Key: e.CosmosKey})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(client.Options{HostPort: e.Temporal, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, id := range ids {
		kept, _, err := container.Read(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		run := c.GetWorkflow(t.Context(), id.WorkflowID(), "")
		if err := run.Get(t.Context(), nil); err != nil || run.GetRunID() != kept.RunID {
			t.Errorf("the Record is of run %s; the latest, %s, ended with %v", kept.RunID, run.GetRunID(), err)
		}
	}
}

func TestLocal(t *testing.T) {
	program := local(t)
	t.Run("Ctrl-C_stops_everything_and_is_no_error", func(t *testing.T) {
		p := launch(t, program, t.TempDir())
		if err := p.end(t, os.Interrupt); err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	for name, args := range map[string][]string{
		"an_unknown_cloud":     {"-real", "aws,ibm"},
		"an_argument":          {"start"},
		"an_address_of_no_use": {"-addr", "8080"},
	} {
		t.Run(name+"_is_refused_in_a_sentence", func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), program, append(args, "-data", t.TempDir())...).CombinedOutput()
			if err == nil || len(out) == 0 || strings.Contains(string(out), "panic") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// local builds the program.
func local(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "local")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// process is one run of local.
type process struct {
	cmd       *exec.Cmd
	out       io.Reader
	endpoints stack.Endpoints
}

// launch starts local and returns once it says that it is ready.
func launch(t *testing.T, program, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, "-data", dir, "-addr", lastAddr(t, dir))}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = t.Output()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait() // so that nothing is written to the directory any more
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		t.Log(lines.Text())
		if strings.HasPrefix(lines.Text(), "Take a picture at ") {
			p.endpoints, p.out = endpointsIn(t, dir), out
			return p
		}
	}
	t.Fatalf("local ended before it was ready: %v", p.cmd.Wait())
	return nil
}

// end sends the signal and waits for the process, and with it for all it printed.
func (p *process) end(t *testing.T, signal os.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(t.Output(), p.out); err != nil {
		t.Fatal(err)
	}
	return p.cmd.Wait()
}

// lastAddr keeps the site where it was, as a fixed -addr does.
func lastAddr(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "endpoints.json")); err != nil {
		return "127.0.0.1:0"
	}
	return strings.TrimPrefix(endpointsIn(t, dir).Site, "http://")
}

func endpointsIn(t *testing.T, dir string) stack.Endpoints {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "endpoints.json"))
	if err != nil {
		t.Fatal(err)
	}
	var e stack.Endpoints
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}
