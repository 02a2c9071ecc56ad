package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"triptych/local/stacktest"
	"triptych/picture"
)

// A picture whose event ended as a dead letter is started by either way back, locally and in AWS.
func TestRedrive(t *testing.T) {
	s := stacktest.Start(t)
	stacktest.PauseSweeps(t, s)
	visitor := site(s.Endpoints.Site)
	for name, redrive := range map[string]func(t *testing.T, letter []byte){
		"by_the_local_command": func(t *testing.T, letter []byte) {
			kept := filepath.Join(s.Dir(), "lambda", "dead-letters", "letter.json")
			if err := os.WriteFile(kept, letter, 0o600); err != nil {
				t.Fatal(err)
			}
			status, said := visitor.call(t, http.MethodPost, "/local/dead-letters", nil, "")
			if status != http.StatusOK || strings.TrimSpace(said) != `{"delivered":1}` {
				t.Errorf("answered %d %s", status, said)
			}
			if _, err := os.Stat(kept); err == nil {
				t.Error("the dead letter is still there")
			}
		},
		"by_the_on-failure_queue_as_the_trigger's_event_source": func(t *testing.T, letter []byte) {
			body, err := json.Marshal(string(letter))
			if err != nil {
				t.Fatal(err)
			}
			event := fmt.Sprintf(`{"Records":[{"messageId":"059f36b4-87a3-44ab-83d2-661975830a7d","eventSource":"aws:sqs","body":%s}]}`, body)
			res, err := http.Post(s.LambdaURL, "application/json", strings.NewReader(event))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if failed := res.Header.Get("X-Amz-Function-Error"); failed != "" || res.StatusCode != http.StatusOK {
				t.Errorf("answered %s %s", res.Status, failed)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s3Fault(t, s, `{"events":"drop"}`)
			g := visitor.take(t, portrait(t))
			s3Fault(t, s, `{}`)
			redrive(t, deadLetter(t, eventOf(t, s, g.ID)))
			if settled := visitor.follow(t, g.ID); settled.Status != picture.Annotated {
				t.Errorf("ended %s", settled.Status)
			}
		})
	}
}

// deadLetter is what Lambda keeps of an event that it gave up, as AWS documents it.
func deadLetter(t *testing.T, event []byte) []byte {
	t.Helper()
	var whole bytes.Buffer
	err := json.Compact(&whole, fmt.Appendf(nil, `{"version":"1.0","timestamp":"2026-11-22T12:04:00.000Z",
		"requestContext":{"requestId":"e4b46cbf-b738-xmpl-8880-a18cdf61200e","functionArn":"arn:aws:lambda:eu-central-1:123456789012:function:trigger:$LATEST",
			"condition":"RetriesExhausted","approximateInvokeCount":3},
		"requestPayload":%s,
		"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},
		"responsePayload":{"errorMessage":"record 1 of 1: starting the run","errorType":"joinError"}}`, event))
	if err != nil {
		t.Fatal(err)
	}
	return whole.Bytes()
}
