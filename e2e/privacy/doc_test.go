// Package privacy contains end-to-end tests of encryption and erasure.
package privacy
