package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"triptych/e2e/privatetest"
	"triptych/e2e/siteclient"
	"triptych/e2e/testenv"
	"triptych/local/stack"
)

// Every port of the local stack must refuse these requests if a page of another site sends them.
var pageRequests = []struct {
	program            string // port on which a program that is not a web page succeeds with the same request
	method, path, body string
}{
	{"site", "GET", "/", ""},
	{"traces", "GET", "/", ""},
	{"site", "GET", "/api/notice", ""},
	{"site", "GET", "/local/faults", ""},
	{"site", "GET", "/local/plugs.js", ""},
	{"", "GET", "/metrics", ""},
	{"", "GET", "/triptych-pictures", ""},
	{"temporalUI", "GET", "/api/v1/namespaces/default/workflows", ""},
	{"", "GET", "/namespaces/default/workflows", ""},
	{"", "GET", "/2018-06-01/runtime/invocation/next", ""},
	{"", "POST", "/api/pictures", `{}`},
	{"site", "POST", "/local/faults", `{"cloud":"google","fault":"none"}`},
	{"site", "POST", "/local/dead-letters", ``},
	{"", "POST", "/namespaces/default/workflows/x", `{"workflowType":{"name":"SweepPictures"},"taskQueue":{"name":"pictures"}}`},
	{"", "POST", "/api/v1/namespaces/default/workflows/x", `{"workflowType":{"name":"SweepPictures"},"taskQueue":{"name":"pictures"}}`},
	{"", "POST", "/namespaces/default/task-queues/pictures/nexus-services/service/operation", `{}`},
	{"", "POST", "/namespaces/default/nexus/callback", `{}`},
	{"lambda", "POST", "/2015-03-31/functions/trigger/invocations", `{"Records":[]}`},
	{"", "POST", "/2018-06-01/runtime/init/error", `{}`},
	{"", "POST", "/triptych-pictures", `{}`},
	{"traces", "POST", "/v1/traces", ``},
	{"codec", "POST", "/decode", `{"payloads":[]}`},
	{"codec", "POST", "/encode", `{"payloads":[]}`},
	{"", "POST", "/dbs", `{"id":"new"}`},
	{"control", "PUT", "/fault", `{}`},
}

func TestWebPages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the sockets of processes are read from /proc")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // the umask of the developer may be stricter
		t.Fatal(err)
	}
	p := startLocal(t, buildLocal(t), dir, "-otlp")
	site := siteclient.Site(p.endpoints.Site)
	g, err := site.Upload(t.Context(), testenv.Portrait(t))
	if err != nil {
		t.Fatal(err)
	}
	followToAnnotated(t, site, g) // now the trigger runs, with its Lambda Runtime API

	ports := listeningPorts(t, p.cmd.Process.Pid)
	named := identityPorts(t, dir)
	for name, port := range named {
		if !slices.Contains(ports, port) {
			t.Errorf("%s does not listen on port %d; these ports were found: %v", name, port, ports)
		}
	}
	if strings.Contains(p.messages, "All ports that browsers refuse are in use") {
		t.Fatal("other stacks use all ports to which browsers do not connect: stop them and run this test again")
	}
	u, err := url.Parse(p.endpoints.Site)
	if err != nil {
		t.Fatal(err)
	}
	if named["site"], err = strconv.Atoi(u.Port()); err != nil {
		t.Fatal(err)
	}
	for _, r := range pageRequests {
		if r.program == "" {
			continue // no port with a name serves it without a signature
		}
		status, body, err := send(t, named[r.program], r.method, r.path, r.body, "", "")
		if err != nil || status >= 300 {
			t.Fatalf("%s %s of a program: status %d, error %v: %.200s", r.method, r.path, status, err, body)
		}
	}
	for name, attack := range map[string]struct {
		host, origin string
		methods      []string
	}{
		"of_another_site":                       {origin: "http://evil.example", methods: []string{"POST"}},
		"with_the_origin_null":                  {origin: "null", methods: []string{"POST"}},
		"of_another_port":                       {origin: "http://127.0.0.1:1", methods: []string{"POST"}},
		"that_rebound_its_host_name":            {host: "evil.example", methods: []string{"GET"}},
		"that_rebound_its_host_name_and_writes": {host: "evil.example", origin: "http://evil.example", methods: []string{"POST", "PUT"}},
	} {
		t.Run("no_port_serves_a_page_"+name, func(t *testing.T) {
			for _, port := range ports {
				if !slices.Contains(stack.HiddenPorts, port) { // a test in e2e/browser covers the others
					checkRefused(t, port, attack.host, attack.origin, attack.methods)
				}
			}
		})
	}
	t.Run("Temporal_UI_serves_its_own_page", func(t *testing.T) { testTemporalUI(t, p.endpoints.TemporalUI, g.ID.WorkflowID()) })
	t.Run("no_other_user_can_read_the_data_directory", func(t *testing.T) {
		if files := privatetest.Check(t, dir); files < 20 {
			t.Errorf("the directory contains only %d files", files)
		}
	})
}

func checkRefused(t *testing.T, port int, host, origin string, methods []string) {
	t.Helper()
	for _, r := range pageRequests {
		if !slices.Contains(methods, r.method) {
			continue
		}
		status, body, err := send(t, port, r.method, r.path, r.body, host, origin)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, syscall.ECONNREFUSED) {
			return // gRPC servers do not speak HTTP/1
		}
		if err != nil || status < 400 || status >= 500 {
			t.Errorf("port %d answers %s %s with status %d, error %v: %.200s", port, r.method, r.path, status, err, body)
		}
	}
}

func send(t *testing.T, port int, method, path, body, host, origin string) (int, []byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json") // every endpoint accepts it
	if host != "" {
		req.Host = fmt.Sprintf("%s:%d", host, port)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	return res.StatusCode, content, err
}

func testTemporalUI(t *testing.T, ui, workflow string) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	res, err := browser.Get(ui + "/api/v1/namespaces/default/workflows")
	if err != nil {
		t.Fatal(err)
	}
	list, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(list), workflow) {
		t.Errorf("the list of workflows has status %s, error %v: %s", res.Status, err, list)
	}
	path := ui + "/api/v1/namespaces/default/workflows/missing/terminate"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", ui)
	for _, cookie := range jar.Cookies(req.URL) {
		req.Header.Set("X-CSRF-Token", cookie.Value)
	}
	if res, err = browser.Do(req); err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); !strings.Contains(string(answer), "workflow not found") {
		t.Errorf("Temporal did not get the page's request: status %s: %s", res.Status, answer)
	}
}

func identityPorts(t *testing.T, dir string) map[string]int {
	t.Helper()
	var identity struct{ Ports map[string]int }
	b, err := os.ReadFile(filepath.Join(dir, "identity.json"))
	if err == nil {
		err = json.Unmarshal(b, &identity)
	}
	if err != nil {
		t.Fatal(err)
	}
	return identity.Ports
}

// listeningPorts returns the TCP ports of a process and its descendants.
func listeningPorts(t *testing.T, pid int) []int {
	t.Helper()
	sockets := map[string]bool{}
	parents := parentProcesses(t)
	for process := range parents {
		ancestor := process
		for ancestor != 0 && ancestor != pid {
			ancestor = parents[ancestor]
		}
		if ancestor != pid {
			continue
		}
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", process))
		for _, file := range files {
			if target, err := os.Readlink(file); err == nil {
				sockets[target] = true
			}
		}
	}
	const listening = "0A"
	var ports []int
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		connections, err := os.ReadFile(table)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // some systems have no IPv6
			t.Fatal(err)
		}
		for line := range strings.Lines(string(connections)) {
			fields := strings.Fields(line) // 1: local address, 3: state, 9: inode
			if fields[3] != listening || !sockets["socket:["+fields[9]+"]"] {
				continue
			}
			_, hex, _ := strings.Cut(fields[1], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			ports = append(ports, int(port))
		}
	}
	return ports
}

func parentProcesses(t *testing.T) map[int]int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int]int{}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		name := strings.LastIndex(string(stat), ")") // the name may contain spaces and parentheses
		pid, _, _ := strings.Cut(string(stat), " ")
		parent := strings.Fields(string(stat[name+1:]))[1]
		number, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if parents[number], err = strconv.Atoi(parent); err != nil {
			t.Fatal(err)
		}
	}
	return parents
}
