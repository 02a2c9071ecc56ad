// Package e2e contains the end-to-end tests of the product. Each starts the deployed programs with the emulators and uses
// them like a visitor of the site, an operator or a cloud. More end-to-end tests are in fault (the fault suite), local (the
// command local) and browser (the page). They are separate packages so that each runs in less than four minutes.
package e2e
