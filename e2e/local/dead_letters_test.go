package local

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/picture"
)

// A dead letter is an S3 event for which every trigger invocation failed.
func TestDeadLetters(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	for name, redrive := range map[string]func(t *testing.T, letter []byte){
		"redriven_by_POST_to_/local/dead-letters_starts_the_picture": func(t *testing.T, letter []byte) {
			file := filepath.Join(env.Dir(), "lambda", "dead-letters", "letter.json")
			if err := os.WriteFile(file, letter, 0o600); err != nil {
				t.Fatal(err)
			}
			status, body := request(t, env, http.MethodPost, "/local/dead-letters", nil, "")
			if status != http.StatusOK || strings.TrimSpace(body) != `{"delivered":1}` {
				t.Errorf("status %d, body %s, want one delivered", status, body)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("the dead letter was not deleted")
			}
		},
		"redriven_by_SQS_as_event_source_of_the_trigger_starts_the_picture": func(t *testing.T, letter []byte) {
			body, err := json.Marshal(string(letter))
			if err != nil {
				t.Fatal(err)
			}
			env.InvokeTrigger(t, fmt.Appendf(nil,
				`{"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","eventSource":"aws:sqs","body":%s}]}`, body))
		},
	} {
		t.Run(name, func(t *testing.T) {
			env.InjectS3Fault(t, `{"events":"drop"}`)
			g := env.Upload(t, testenv.Portrait(t))
			env.InjectS3Fault(t, `{}`)
			redrive(t, testenv.DeadLetter(testenv.S3Event(t, env.LatestVersion(t, g.ID))))
			if final := env.Follow(t, g.Link); final.Status != picture.Annotated {
				t.Errorf("final status %s, want %s", final.Status, picture.Annotated)
			}
		})
	}
}
