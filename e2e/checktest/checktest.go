// Package checktest has the payloads that start the checks of a Lambda function, and compares the reports of package check
// with what a test expects.
package checktest

import (
	"strings"
	"testing"
)

// Payloads of invocations that run the checks of a Lambda function. The output check of Terraform sends them.
const (
	TriggerPayload = `{"Event":"triptych:Check"}`
	WebPayload     = `{"rawPath":"/check","requestContext":{"http":{"method":"GET","path":"/check"}}}`
)

// Verify requires that exactly the calls whose names begin with one of the prefixes `failed` have failed, that each
// prefix has such a call, and that the message of each failed call contains the reason.
func Verify(t *testing.T, report string, failed []string, reason string) {
	t.Helper()
	t.Log(report)
	found := map[string]bool{}
	for line := range strings.Lines(report) {
		const status = len("FAILED  ")
		name, message, _ := strings.Cut(line[status:], ": ")
		want := false
		for _, prefix := range failed {
			if strings.HasPrefix(name, prefix) {
				want, found[prefix] = true, true
			}
		}
		if got := strings.HasPrefix(line, "FAILED"); got != want {
			t.Errorf("want failed=%t: %s", want, line)
		} else if got && !strings.Contains(message, reason) {
			t.Errorf("the message does not contain %q: %s", reason, line)
		}
	}
	if report == "" || len(found) != len(failed) {
		t.Errorf("of %q, the report contains only %v", failed, found)
	}
}
