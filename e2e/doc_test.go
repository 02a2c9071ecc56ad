// Package e2e contains end-to-end tests that act as a visitor of the site, as an operator or as a cloud. More
// end-to-end tests are in the subdirectories, so that each package runs in less than four minutes.
package e2e
