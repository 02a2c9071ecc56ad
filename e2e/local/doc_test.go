// Package local contains the end-to-end tests of the program that `go run ./local` starts. The tests cover the
// program's fault switches, its restart after a crash, its dead letters, its use of real clouds, and the commands of
// the README.
package local
