// Package privacy contains end-to-end tests of encryption, of erasure, and of who can see a picture.
package privacy
