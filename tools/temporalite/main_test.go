package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"log/slog"
)

// asProgram makes the test's executable behave as temporalite, so that tests can kill it.
const asProgram = "TEMPORALITE_TEST_RUNS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type program struct {
	address string
	args    []string
	cmd     *exec.Cmd
	stderr  *bytes.Buffer
}

func newProgram(t *testing.T, args ...string) *program {
	t.Helper()
	ports, err := freePorts("127.0.0.1", 2)
	if err != nil {
		t.Fatal(err)
	}
	return &program{
		address: address("127.0.0.1", ports[0]),
		args:    append([]string{"-port", strconv.Itoa(ports[0]), "-ui-port", strconv.Itoa(ports[1])}, args...),
	}
}

func (p *program) command(t *testing.T) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0], p.args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	p.stderr = &bytes.Buffer{}
	cmd.Stderr = p.stderr
	return cmd
}

// start returns when the program says that it listens.
func (p *program) start(t *testing.T) *program {
	t.Helper()
	p.cmd = p.command(t)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.end(t, syscall.SIGKILL) })
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.Contains(line, p.address) {
		p.end(t, syscall.SIGKILL)
		t.Fatalf("the program printed %q: %v\n%s", line, err, p.stderr)
	}
	return p
}

func (p *program) end(t *testing.T, s syscall.Signal) {
	if p.cmd == nil {
		return
	}
	p.cmd.Process.Signal(s)
	if err := p.cmd.Wait(); err != nil && s != syscall.SIGKILL {
		t.Errorf("the program ended with %v\n%s", err, p.stderr)
	}
	p.cmd = nil
}

func (p *program) dial(t *testing.T) client.Client {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: p.address, Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// greet waits for a signal, and returns what an activity makes of it.
func greet(ctx workflow.Context, fail bool) (greeting string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 2}})
	var name string
	workflow.GetSignalChannel(ctx, "name").Receive(ctx, &name)
	err = workflow.ExecuteActivity(ctx, hello, name, fail).Get(ctx, &greeting)
	return greeting, err
}

func hello(_ context.Context, name string, fail bool) (string, error) {
	if fail {
		return "", errors.New("failed as asked")
	}
	return "Hello " + name, nil
}

func startWorker(t *testing.T, c client.Client) {
	t.Helper()
	w := worker.New(c, "queue", worker.Options{WorkerStopTimeout: time.Second})
	w.RegisterWorkflow(greet)
	w.RegisterActivity(hello)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
}

func execute(t *testing.T, c client.Client, id string, fail bool) client.WorkflowRun {
	t.Helper()
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "queue",
		TypedSearchAttributes: temporal.NewSearchAttributes(temporal.NewSearchAttributeKeyKeyword("Color").ValueSet(id))}, greet, fail)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func sendName(t *testing.T, c client.Client, run client.WorkflowRun) string {
	t.Helper()
	if err := c.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), "name", "Ada"); err != nil {
		t.Fatal(err)
	}
	var greeting string
	if err := run.Get(t.Context(), &greeting); err != nil {
		t.Fatal(err)
	}
	return greeting
}

// awaitCount waits until the server lists n runs, because it updates visibility after answering.
func awaitCount(t *testing.T, c client.Client, query string, n int64) {
	t.Helper()
	var got int64
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		r, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if got = r.Count; got == n {
			return
		}
	}
	t.Fatalf("%d runs match %s, want %d", got, query, n)
}

func TestServer(t *testing.T) {
	dir := t.TempDir()
	p := newProgram(t, "-dir", dir, "-namespace", "other", "-search-attribute", "Color=Keyword",
		"-dynamic-config-value", "limit.maxIDLength=100").start(t)
	c := p.dial(t)
	startWorker(t, c)

	t.Run("a_workflow_completes", func(t *testing.T) {
		if greeting := sendName(t, c, execute(t, c, "complete", false)); greeting != "Hello Ada" {
			t.Errorf("the result is %q", greeting)
		}
		awaitCount(t, c, "ExecutionStatus = 'Completed' AND Color = 'complete'", 1)
	})
	t.Run("lists_are_ordered_and_paged", func(t *testing.T) {
		for i := range 5 {
			execute(t, c, fmt.Sprint("page-", i), false)
		}
		awaitCount(t, c, "WorkflowId STARTS_WITH 'page-'", 5)
		var ids []string
		var token []byte
		for range 3 {
			r, err := c.ListWorkflow(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowId STARTS_WITH 'page-'", PageSize: 2, NextPageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range r.Executions {
				ids = append(ids, e.Execution.WorkflowId)
			}
			token = r.NextPageToken
		}
		if want := []string{"page-4", "page-3", "page-2", "page-1", "page-0"}; !slices.Equal(ids, want) || len(token) != 0 {
			t.Errorf("the pages contain %v", ids)
		}
		r, err := c.CountWorkflow(t.Context(), &workflowservice.CountWorkflowExecutionsRequest{Query: "WorkflowId STARTS_WITH 'page-' GROUP BY ExecutionStatus"})
		if err != nil || len(r.Groups) != 1 || r.Groups[0].Count != 5 {
			t.Errorf("the groups are %v, error %v", r.GetGroups(), err)
		}
	})
	t.Run("a_failed_workflow_can_be_reset_and_described", func(t *testing.T) {
		run := execute(t, c, "reset", true)
		if err := c.SignalWorkflow(t.Context(), "reset", "", "name", "Ada"); err != nil {
			t.Fatal(err)
		}
		if err := run.Get(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "failed as asked") {
			t.Fatalf("the workflow ended with %v", err)
		}
		reset, err := c.ResetWorkflowExecution(t.Context(), &workflowservice.ResetWorkflowExecutionRequest{Namespace: "default", RequestId: "1",
			WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: "reset", RunId: run.GetRunID()}, WorkflowTaskFinishEventId: 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.GetWorkflow(t.Context(), "reset", reset.RunId).Get(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "failed as asked") {
			t.Errorf("the new run ended with %v", err)
		}
		d, err := c.DescribeWorkflowExecution(t.Context(), "reset", reset.RunId)
		if err != nil || d.WorkflowExecutionInfo.Status != enumspb.WORKFLOW_EXECUTION_STATUS_FAILED {
			t.Errorf("the new run is %v, error %v", d.GetWorkflowExecutionInfo(), err)
		}
		awaitCount(t, c, "WorkflowId = 'reset' AND ExecutionStatus = 'Failed'", 2)
	})
	t.Run("a_workflow_can_be_terminated_and_deleted", func(t *testing.T) {
		run := execute(t, c, "delete", false)
		if err := c.TerminateWorkflow(t.Context(), "delete", "", "test"); err != nil {
			t.Fatal(err)
		}
		awaitCount(t, c, "WorkflowId = 'delete' AND ExecutionStatus = 'Terminated'", 1)
		if _, err := c.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{Namespace: "default",
			WorkflowExecution: &commonpb.WorkflowExecution{WorkflowId: "delete", RunId: run.GetRunID()}}); err != nil {
			t.Fatal(err)
		}
		awaitCount(t, c, "WorkflowId = 'delete'", 0)
		if _, err := c.DescribeWorkflowExecution(t.Context(), "delete", run.GetRunID()); !is[*serviceerror.NotFound](err) {
			t.Errorf("describing the deleted run gives %v", err)
		}
	})
	t.Run("a_schedule_starts_a_workflow", func(t *testing.T) {
		schedules := c.ScheduleClient()
		h, err := schedules.Create(t.Context(), client.ScheduleOptions{ID: "schedule", Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Hour}}},
			Action: &client.ScheduleWorkflowAction{ID: "scheduled", Workflow: greet, Args: []any{false}, TaskQueue: "queue"}, TriggerImmediately: true})
		if err != nil {
			t.Fatal(err)
		}
		awaitCount(t, c, "TemporalScheduledById = 'schedule'", 1)
		d, err := h.Describe(t.Context())
		if err != nil || d.Info.NumActions != 1 {
			t.Errorf("the schedule is %v, error %v", d, err)
		}
		if err := h.Delete(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("the_namespaces_exist_immediately", func(t *testing.T) {
		for _, name := range []string{"default", "other"} {
			r, err := c.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: name})
			if err != nil || r.Config.WorkflowExecutionRetentionTtl.AsDuration() != 24*time.Hour {
				t.Errorf("the namespace %s is %v, error %v", name, r, err)
			}
		}
	})
	t.Run("dynamic_configuration_applies", func(t *testing.T) {
		_, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: strings.Repeat("x", 101), TaskQueue: "queue"}, greet, false)
		if !is[*serviceerror.InvalidArgument](err) {
			t.Errorf("a workflow ID above limit.maxIDLength gives %v", err)
		}
	})
	t.Run("the_Web_UI_answers", func(t *testing.T) {
		r, err := http.Get("http://127.0.0.1:" + p.args[3] + "/namespaces/default/workflows")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if b, err := io.ReadAll(r.Body); r.StatusCode != http.StatusOK || !bytes.Contains(b, []byte("<html")) {
			t.Errorf("the Web UI answers %s, error %v", r.Status, err)
		}
	})
	t.Run("a_used_port_is_refused_with_advice", func(t *testing.T) {
		second := &program{args: append(slices.Clone(p.args[:4]), "-dir", t.TempDir())}
		err := second.command(t).Run()
		if err == nil || !strings.Contains(second.stderr.String(), "address already in use: stop the other program, or choose another port with -port") {
			t.Errorf("the second program printed %s and ended with %v", second.stderr, err)
		}
	})
	t.Run("a_used_directory_is_refused", func(t *testing.T) {
		second := newProgram(t, "-dir", dir)
		if err := second.command(t).Run(); err == nil || !strings.Contains(second.stderr.String(), "which another process may use") {
			t.Errorf("the second program printed %s and ended with %v", second.stderr, err)
		}
	})
	t.Run("it_stops_at_SIGTERM", func(t *testing.T) { p.end(t, syscall.SIGTERM) })
}

func TestKilledServerContinuesWorkflowsAndSchedules(t *testing.T) {
	p := newProgram(t, "-headless", "-dir", filepath.Join(t.TempDir(), "new", "directory"), "-search-attribute", "Color=Keyword").start(t)
	c := p.dial(t)
	startWorker(t, c)
	sendName(t, c, execute(t, c, "before", false))
	var waiting []client.WorkflowRun
	for i := range 20 {
		waiting = append(waiting, execute(t, c, fmt.Sprint("waiting-", i), false))
	}
	if _, err := c.ScheduleClient().Create(t.Context(), client.ScheduleOptions{ID: "schedule", Spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Hour}}},
		Action: &client.ScheduleWorkflowAction{Workflow: greet, Args: []any{false}, TaskQueue: "queue"}}); err != nil {
		t.Fatal(err)
	}
	for i := range 5 { // their last changes wait for visibility when the process ends
		sendName(t, c, execute(t, c, fmt.Sprint("ended-", i), false))
	}

	p.end(t, syscall.SIGKILL)
	p.start(t)
	for _, run := range waiting {
		if greeting := sendName(t, c, run); greeting != "Hello Ada" {
			t.Errorf("%s returned %q", run.GetID(), greeting)
		}
	}
	awaitCount(t, c, "ExecutionStatus = 'Completed' AND TaskQueue = 'queue'", 26)
	if _, err := c.ScheduleClient().GetHandle(t.Context(), "schedule").Describe(t.Context()); err != nil {
		t.Errorf("describing the schedule: %v", err)
	}
}

func TestFlags(t *testing.T) {
	for name, test := range map[string]struct{ args, want string }{
		"an_argument_is_refused":             {"server start-dev", `"server" is not a flag: see temporalite -h`},
		"an_unknown_flag_is_refused":         {"-sqlite-pragma a=b", "flag provided but not defined: -sqlite-pragma"},
		"an_unknown_type_is_refused":         {"-search-attribute Color=Colour", "must be name=type"},
		"a_search_attribute_needs_a_name":    {"-search-attribute =Keyword", "must be name=type"},
		"a_string_without_quotes_is_refused": {"-dynamic-config-value frontend.a=b", "must be key=JSON; a string needs quotes"},
		"an_unknown_log_level_is_refused":    {"-log-level loud", "unknown name"},
		"help_lists_the_flags":               {"-h", "-dynamic-config-value key=JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := parse(strings.Fields(test.args), &out)
			if err == nil || !strings.Contains(out.String()+err.Error(), test.want) {
				t.Errorf("it printed %s, error %v", &out, err)
			}
			if printed := out.Len() > 0; printed != errors.Is(err, flag.ErrHelp) { // the caller prints errors
				t.Errorf("it printed %s", &out)
			}
		})
	}
	t.Run("the_HTTP_API_is_off_by_default", func(t *testing.T) {
		o, err := parse([]string{"-port", "0", "-headless"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := o.config(); err != nil || c.Services["frontend"].RPC.HTTPPort != 0 {
			t.Errorf("the configuration is %v, error %v", c, err)
		}
	})
	t.Run("values_are_parsed", func(t *testing.T) {
		o, err := parse([]string{"--ip", "localhost", "--port", "65000", "--dynamic-config-value", "a=5", "--dynamic-config-value", "b=0.5",
			"--dynamic-config-value", `c=["x=y"]`, "--search-attribute", "Words=keywordlist", "--log-level", "never"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %d %v %T %v", o.IP, o.UIPort, o.DynamicConfig, o.DynamicConfig["a"], o.SearchAttributes); got !=
			"127.0.0.1 65535 map[a:5 b:0.5 c:[x=y]] int map[Words:KeywordList]" {
			t.Errorf("the options are %s", got)
		}
	})
}

func freePorts(ip string, n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", address(ip, 0))
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		defer l.Close() // at the end, so that the ports differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
