package pipeline

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"triptych/picture"
)

func TestNoLineOpensAPicture(t *testing.T) {
	id := picture.NewID(time.Now())
	for outcome, say := range map[string]func(*slog.Logger){
		"when_the_workflow_ID_is_of_this_line":   func(l *slog.Logger) { l.Info("activity", "WorkflowID", id.WorkflowID()) },
		"when_the_workflow_ID_is_of_all_lines":   func(l *slog.Logger) { l.With("WorkflowID", id.WorkflowID()).Info("activity") },
		"when_the_workflow_ID_stands_in_a_group": func(l *slog.Logger) { l.WithGroup("sdk").Info("activity", "WorkflowID", id.WorkflowID()) },
		"when_the_workflow_ID_is_of_an_erasure":  func(l *slog.Logger) { l.Warn("activity", "WorkflowID", id.EraseWorkflowID()) },
	} {
		t.Run(outcome, func(t *testing.T) {
			var log bytes.Buffer
			say(slog.New(discreet{slog.NewJSONHandler(&log, nil)}))
			if line := log.String(); strings.Contains(line, string(id)) || !strings.Contains(line, id.Redacted()) {
				t.Errorf("it says %s", line)
			}
		})
	}
}
