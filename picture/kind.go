package picture

import "time"

// Kind is what an error means for the picture; code tests it, and it is the type of the failure in
// Temporal's history.
type Kind string

const (
	// Rejecting: the picture can never be annotated, and gets a Record that says so.

	BadImage Kind = "BadImage" // not an image Google can read
	TooLarge Kind = "TooLarge" // the picture, or what was found in it, is over a limit
	Gone     Kind = "Gone"     // the object version no longer exists

	// Steering: the workflow takes another way.

	Unfetchable Kind = "Unfetchable" // Google could not fetch the URL: send the bytes
	WasErased   Kind = "WasErased"   // the owner erased the picture meanwhile: end as erased

	// Waiting: not the picture's fault. It is tried again until it works.

	Unavailable   Kind = "Unavailable"   // a cloud is down, slow or unreachable
	Throttled     Kind = "Throttled"     // a cloud asks for patience, perhaps for a stated time
	Forbidden     Kind = "Forbidden"     // a credential or a permission is wrong: the operator must mend it
	Misconfigured Kind = "Misconfigured" // a cloud calls our request wrong: the operator must mend a setting
)

// Rejects says that no retry can help the picture.
func (k Kind) Rejects() bool { return k == BadImage || k == TooLarge || k == Gone }

// Waits says that the same call may succeed later.
func (k Kind) Waits() bool {
	return k == Unavailable || k == Throttled || k == Forbidden || k == Misconfigured
}

// Error is an error whose kind is known. Message is a sentence for a person: what happened and, where
// something can be done, what to do.
type Error struct {
	Kind       Kind
	Message    string
	RetryAfter time.Duration // when the cloud said so; otherwise 0
	Err        error         // what the SDK returned, if anything
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
