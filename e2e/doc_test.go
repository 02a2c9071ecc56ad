// Package e2e contains the end-to-end tests. Each starts the deployed programs with the emulators and uses them like a
// visitor of the site, an operator or a cloud. The fault suite is in the package fault, and the tests of the page are in the
// package browser.
package e2e
