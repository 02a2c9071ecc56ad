package local

import (
	"bufio"
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
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

	"triptych/e2e/siteclient"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/local/stack"
	"triptych/picture"
)

func TestFault(t *testing.T) {
	executable := buildLocal(t)
	t.Run("all_programs_killed_during_20_pictures_and_restarted_annotates_each_once", func(t *testing.T) {
		dir := t.TempDir()
		first := startLocal(t, executable, dir)
		site := siteclient.Site(first.endpoints.Site)
		var grants []siteclient.Grant
		for i := range 20 {
			// The pictures differ, because the Vision emulator would otherwise analyse only one of them and annotate the others
			// before the programs are killed.
			g, err := site.Upload(t.Context(), plainPhoto(t, uint8(10*i)))
			if err != nil {
				t.Fatal(err)
			}
			grants = append(grants, g)
		}
		followToAnnotated(t, site, grants[0]) // now most of the others are in progress
		first.stop(t, syscall.SIGKILL)

		second := startLocal(t, executable, dir)
		if second.endpoints != first.endpoints {
			t.Errorf("the endpoints are %+v after the restart, were %+v", second.endpoints, first.endpoints)
		}
		for _, g := range grants {
			followToAnnotated(t, site, g)
		}
		checkOneRun(t, second.endpoints, grants)
		second.stop(t, syscall.SIGKILL)
	})
}

func plainPhoto(t *testing.T, grey uint8) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range picture.Pix {
		picture.Pix[i] = grey
	}
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, picture, nil); err != nil {
		t.Fatal(err)
	}
	return photo.Bytes()
}

func TestLocal(t *testing.T) {
	executable := buildLocal(t)
	t.Run("Ctrl-C_stops_all_programs_with_exit_status_0", func(t *testing.T) {
		p := startLocal(t, executable, t.TempDir())
		if err := p.stop(t, os.Interrupt); err != nil {
			t.Errorf("local ended with %v", err)
		}
	})
	for name, args := range map[string][]string{
		"unknown_cloud":        {"-real", "aws,ibm"},
		"unexpected_argument":  {"start"},
		"address_without_host": {"-addr", "8080"},
	} {
		t.Run(name+"_fails_with_a_message", func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), executable, append(args, "-data", t.TempDir())...).CombinedOutput()
			if err == nil || len(out) == 0 || strings.Contains(string(out), "panic") {
				t.Errorf("error %v, output %s", err, out)
			}
		})
	}
}

func followToAnnotated(t *testing.T, site siteclient.Site, g siteclient.Grant) {
	t.Helper()
	final, err := site.Follow(t.Context(), g.Link, func(picture.Progress) {})
	if err != nil || final.Status != picture.Annotated {
		t.Fatalf("picture %s has final status %s and error %v, want %s", g.ID, final.Status, err, picture.Annotated)
	}
}

func checkOneRun(t *testing.T, e stack.Endpoints, grants []siteclient.Grant) {
	t.Helper()
	container, err := records.Open(records.Config{Endpoint: e.Cosmos, Key: e.CosmosKey})
	if err != nil {
		t.Fatal(err)
	}
	c, err := pipeline.Dial(client.Options{HostPort: e.Temporal, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))}, e.PayloadKeys)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, g := range grants {
		record, _, err := container.Read(t.Context(), g.ID)
		if err != nil {
			t.Fatal(err)
		}
		run := c.GetWorkflow(t.Context(), g.ID.WorkflowID(), "")
		if err := run.Get(t.Context(), nil); err != nil || run.GetRunID() != record.RunID {
			t.Errorf("run %s wrote the Record; the latest run %s ended with error %v", record.RunID, run.GetRunID(), err)
		}
	}
}

func buildLocal(t *testing.T) string {
	t.Helper()
	executable := filepath.Join(t.TempDir(), "local")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", executable, "triptych/local").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return executable
}

type localProcess struct {
	cmd       *exec.Cmd
	messages  string // printed before the process was ready
	output    io.Reader
	endpoints stack.Endpoints
}

func startLocal(t *testing.T, executable, dir string, flags ...string) *localProcess {
	t.Helper()
	p := &localProcess{cmd: exec.Command(executable, append(flags, "-data", dir, "-addr", siteAddress(t, dir))...)}
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = t.Output()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait() // it may write to the temporary directory until then
	})
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		t.Log(lines.Text())
		p.messages += lines.Text() + "\n"
		if strings.HasPrefix(lines.Text(), "Take a picture at ") {
			p.endpoints, p.output = readEndpoints(t, dir), output
			return p
		}
	}
	t.Fatalf("local ended before it was ready: %v", p.cmd.Wait())
	return nil
}

func (p *localProcess) stop(t *testing.T, signal os.Signal) error {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(t.Output(), p.output); err != nil {
		t.Fatal(err)
	}
	return p.cmd.Wait()
}

func siteAddress(t *testing.T, dir string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "endpoints.json")); err != nil {
		return "127.0.0.1:0" // first start: any free port
	}
	return strings.TrimPrefix(readEndpoints(t, dir).Site, "http://")
}

func readEndpoints(t *testing.T, dir string) stack.Endpoints {
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
