// Package e2e contains end-to-end tests that use the product like a visitor of the site, an operator or a cloud. The
// subdirectories contain more end-to-end tests, because each package must run in less than four minutes.
package e2e
