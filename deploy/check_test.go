package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"triptych/e2e/checktest"
	"triptych/e2e/s3test"
	"triptych/e2e/stacktest"
	"triptych/emulators/lambda/runtimeapi"
)

func TestFunctionChecks(t *testing.T) {
	s := stacktest.Start(t)
	trigger, web := unzip(t, "trigger"), unzip(t, "web")
	noSSM := "AWS_ENDPOINT_URL_SSM=http://" + s3test.FreeAddress()
	invoke := func(t *testing.T, name string, function *runtimeapi.Host, payload string) string {
		t.Helper()
		w := httptest.NewRecorder()
		function.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/2015-03-31/functions/"+name+"/invocations", strings.NewReader(payload)))
		if failed := w.Header().Get("X-Amz-Function-Error"); w.Code != http.StatusOK || failed != "" {
			t.Fatalf("%d %s %s", w.Code, failed, w.Body)
		}
		return w.Body.String()
	}
	t.Run("trigger_returns_one_line_for_each_call", func(t *testing.T) {
		var lines []string
		out := invoke(t, "trigger", startFunction(t, s, trigger, 30*time.Second), checktest.TriggerPayload)
		if err := json.Unmarshal([]byte(out), &lines); err != nil || len(lines) != 5 || lines[4] != "done    4 calls, 0 failed" || strings.Contains(out, "FAILED") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("trigger_without_settings_returns_the_reason", func(t *testing.T) {
		out := invoke(t, "trigger", startFunction(t, s, trigger, 30*time.Second, noSSM), checktest.TriggerPayload)
		if !strings.Contains(out, "FAILED  settings: reading the settings in SSM") {
			t.Error(out)
		}
	})
	t.Run("web_returns_one_line_for_each_call", func(t *testing.T) {
		out := invoke(t, "web", startFunction(t, s, web, 65*time.Second), checktest.WebPayload)
		if strings.Count(out, "ok      ") != 6 || !strings.HasSuffix(out, "\ndone    6 calls, 0 failed\n") || strings.Contains(out, "FAILED") {
			t.Error(out)
		}
	})
	t.Run("web_without_settings_returns_the_reason", func(t *testing.T) {
		out := invoke(t, "web", startFunction(t, s, web, 65*time.Second, noSSM), checktest.WebPayload)
		if !strings.Contains(out, "FAILED  settings: reading the settings in SSM") {
			t.Error(out)
		}
	})
	for name, test := range map[string]struct{ setting, call, reason string }{
		"web_with_a_wrong_bucket":        {"TRIPTYCH_BUCKET=no-such-bucket", "S3, upload", "check TRIPTYCH_BUCKET"},
		"web_with_a_wrong_AWS_key":       {"AWS_SECRET_ACCESS_KEY=wrong", "S3, upload", "check its secret key and clock"},
		"web_with_a_wrong_Cosmos_DB_key": {"COSMOS_KEY=d3Jvbmc=", "Cosmos DB, read", "check COSMOS_KEY"},
		"web_with_a_missing_namespace":   {"TEMPORAL_NAMESPACE=missing", "Temporal, count", "check TEMPORAL_NAMESPACE"},
	} {
		t.Run(name+"_exits_with_status_1_and_names_it", func(t *testing.T) {
			program := exec.CommandContext(t.Context(), s.Executable("web"), "-check")
			program.Env = append(s.ProgramEnvironment("web"), test.setting)
			out, err := program.Output()
			exit, failed := err.(*exec.ExitError)
			if !failed || exit.ExitCode() != 1 || !strings.Contains(string(out), "FAILED  "+test.call) || !strings.Contains(string(out), test.reason) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
