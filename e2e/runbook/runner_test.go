package runbook

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	workflowpb "go.temporal.io/api/workflow/v1"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/local/stack"
	"triptych/picture"
)

// operator has nothing but the runbook and a shell.
type operator struct {
	*testenv.Env
	document
	setup   string // the shell commands that precede every session
	test    *testing.T
	cli     string // path of the Temporal CLI
	picture siteclient.Grant
	ran     map[string]bool
}

func newOperator(t *testing.T) *operator {
	d, err := readDocument("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, debug, _ := strings.Cut(string(readme), "## Debug it\n")
	o := &operator{document: d, test: t, cli: stacktest.TemporalCLI(t), ran: map[string]bool{}}
	for _, c := range commands(debug)[:3] { // docs/operations.md names these three
		o.setup += c.line + "\n"
	}
	o.open(stack.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	t.Cleanup(func() { o.Close() })
	return o
}

func (o *operator) open(config stack.Config) {
	config.Output = o.test.Output()
	s, err := stack.Open(o.test.Context(), config)
	if err != nil {
		o.test.Fatal(err)
	}
	o.Env = testenv.Connect(o.test, s)
}

// restart does what Ctrl-C and `go run ./local` do, with the environment variables in front of the command.
func (o *operator) restart(assignments string) {
	const limit = "TRIPTYCH_ANNOTATIONS_PER_DAY"
	o.test.Setenv(limit, strings.TrimPrefix(assignments, limit+"="))
	o.Close()
	o.open(stack.Config{Dir: o.Dir(), Addr: strings.TrimPrefix(o.Endpoints.Site, "http://")})
}

// run returns the output, also if the command fails.
func (o *operator) run(ctx context.Context, line string) (string, error) {
	o.ran[line] = true
	if assignments, ok := strings.CutSuffix(line, "go run ./local"); ok {
		o.restart(strings.TrimSpace(assignments))
		return "", nil
	}
	script := strings.NewReplacer(
		"go tool -modfile=tools/go.mod temporal", o.cli,
		"$PWD/[.]triptych", o.Dir(), ".triptych", o.Dir(), "http://127.0.0.1:8080", o.Endpoints.Site,
	).Replace(o.setup + line)
	// The script is not an argument, because `pgrep -f` would find it there.
	cmd := exec.CommandContext(ctx, "bash", "-s")
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(os.Environ(), "ID="+string(o.picture.ID), "LINK="+o.picture.Link)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// decide returns the entry that the section "Start here" names, or "".
func (o *operator) decide(ctx context.Context) string {
	outputs := map[int]string{}
	for i, c := range o.start {
		outputs[i+1], _ = o.run(ctx, c.line) // a failure is a symptom
	}
	for _, r := range o.rows {
		if shows(outputs[r.command], r.output) {
			return r.entry
		}
	}
	return ""
}

func (o *operator) diagnose(t *testing.T, c command) {
	t.Helper()
	var out string
	if !stacktest.Eventually(t, func(ctx context.Context) bool {
		out, _ = o.run(ctx, c.line)
		for _, want := range c.want {
			if want != "" && !shows(out, want) {
				return false
			}
		}
		return true
	}) {
		t.Fatalf("%s\nprints\n%s\nwithout\n%s", c.line, out, strings.Join(c.want, "\n"))
	}
}

func (o *operator) remedy(t *testing.T, c command) {
	t.Helper()
	out, err := o.run(testenv.Context(t), c.line)
	if err != nil {
		t.Fatalf("%s\n%v\n%s", c.line, err, out)
	}
	for _, want := range c.want {
		if want != "" && !shows(out, want) {
			t.Errorf("%s\nprints\n%s\nwithout\n%s", c.line, out, want)
		}
	}
}

func (o *operator) mustRun(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !needsDeployment[line] {
			o.remedy(t, command{line: line})
		}
	}
}

func (o *operator) upload(t *testing.T) {
	t.Helper()
	o.picture = o.Upload(t, testenv.Portrait(t))
}

func (o *operator) checkAnnotated(t *testing.T) {
	t.Helper()
	if final := o.Follow(t, o.picture.Link); final.Status != picture.Annotated {
		t.Errorf("the picture's final status is %s, want %s", final.Status, picture.Annotated)
	}
}

func (o *operator) awaitFailure(t *testing.T) {
	t.Helper()
	o.AwaitAnnotate(t, o.picture.ID, func(a *workflowpb.PendingActivityInfo) bool { return a.LastFailure != nil })
}

// setFault uses the same address as the runbook's remedy.
func (o *operator) setFault(t *testing.T, cloud, fault string) {
	t.Helper()
	line := `curl -sf http://127.0.0.1:8080/local/faults -H 'content-type: application/json' -d '{"cloud":"` + cloud + `","fault":"` + fault + `"}'`
	if out, err := o.run(testenv.Context(t), line); err != nil {
		t.Fatal(err, out)
	}
}

// forCloud replaces the cloud in the command that ends a local fault.
func (c command) forCloud(cloud string) command {
	if cloud != "" {
		c.line = faultCloud.ReplaceAllString(c.line, `"cloud":"`+cloud+`"`)
	}
	return c
}

var faultCloud = regexp.MustCompile(`"cloud":"\w+"`)
