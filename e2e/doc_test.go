// Package e2e contains end-to-end tests. More end-to-end tests are in the subdirectories, so that each package runs
// in less than four minutes.
package e2e
