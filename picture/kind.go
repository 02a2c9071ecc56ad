package picture

import "time"

// Kind tells the pipeline how to handle an error, and is the failure type in Temporal's history.
type Kind string

const (
	// The workflow rejects the picture.
	BadImage Kind = "BadImage" // not an image that Google can read
	TooLarge Kind = "TooLarge" // the picture or its annotation exceeds a limit
	Gone     Kind = "Gone"     // the object version no longer exists

	// The workflow continues with another step.
	Unfetchable Kind = "Unfetchable" // Google could not fetch the URL: send the bytes
	WasErased   Kind = "WasErased"   // the owner erased the picture: discard it

	// Temporal retries the activity.
	Unavailable   Kind = "Unavailable"   // a cloud is down, slow or unreachable
	Throttled     Kind = "Throttled"     // a cloud asks us to slow down, perhaps for a stated time
	Forbidden     Kind = "Forbidden"     // a credential or a permission is wrong: the operator must fix it
	Misconfigured Kind = "Misconfigured" // a setting is wrong: the operator must fix it
)

func (k Kind) Rejects() bool { return k == BadImage || k == TooLarge || k == Gone }

func (k Kind) Retries() bool {
	return k == Unavailable || k == Throttled || k == Forbidden || k == Misconfigured
}

func (k Kind) Known() bool { return k.Rejects() || k.Retries() || k == Unfetchable || k == WasErased }

func (k Kind) consequence() string {
	switch k {
	case Unavailable, Throttled:
		return "; Triptych tries again"
	case Forbidden, Misconfigured:
		return "; the picture waits until this is fixed"
	case Unfetchable:
		return "; Triptych sends the bytes instead"
	}
	return ""
}

type Cloud string

const (
	AWS      Cloud = "aws"
	Google   Cloud = "google"
	Azure    Cloud = "azure"
	Temporal Cloud = "temporal"
)

type Error struct {
	Kind       Kind
	Cloud      Cloud         // the service that the picture waits for; "" if none
	Message    string        // for people: what happened and what to do, without a full stop
	RetryAfter time.Duration // until the next attempt; 0 leaves it to the retry policy
	Err        error         // the SDK's error; may be nil
}

// Sentence is safe to show to the picture's owner, because it does not contain Err.
func (e *Error) Sentence() string { return e.Message + e.Kind.consequence() }

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// FailureDetails is attached to activity failures. It tells the page which cloud failed.
type FailureDetails struct {
	Cloud Cloud `json:"cloud,omitempty"`
}
