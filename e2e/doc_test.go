// Package e2e contains end-to-end tests. More end-to-end tests are in the subdirectories, because a package must finish
// within go test's default timeout of 10 minutes, also on a busy machine.
package e2e
