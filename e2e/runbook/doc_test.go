// Package runbook runs the commands of docs/runbook.md against the local stack while the faults that they diagnose are
// injected.
package runbook
