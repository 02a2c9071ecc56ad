// Package local contains the end-to-end tests of the program that `go run ./local` starts, and of the commands in the
// README.
package local
