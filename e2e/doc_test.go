// Package e2e contains the end-to-end tests of the product. Each test starts the product's programs with the
// emulators and uses them like a visitor of the site, an operator or a cloud. The subdirectories fault (the fault
// suite), local (tests of `go run ./local`) and browser (tests of the page) contain more end-to-end tests, as
// separate packages so that each package runs in less than four minutes.
package e2e
