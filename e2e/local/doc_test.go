// Package local contains the end-to-end tests of the command local: its fault switches, its restart after a crash, its dead
// letters, the use of real clouds, and the commands of the README.
package local
