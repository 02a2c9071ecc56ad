// Package local contains the end-to-end tests of `go run ./local` and of the commands in the README.
package local
