package picture

import "time"

// Kind classifies an error by what Triptych does next: reject the picture, run another activity, or retry. Temporal's
// history stores the Kind as the type of the failure.
type Kind string

// An error of the first group makes the workflow reject the picture. An error of the second group changes the
// workflow's next step. After an error of the third group, Temporal retries the activity.
const (
	BadImage Kind = "BadImage" // not an image that Google can read
	TooLarge Kind = "TooLarge" // the picture or its annotation exceeds a limit
	Gone     Kind = "Gone"     // the object version no longer exists

	Unfetchable Kind = "Unfetchable" // Google could not fetch the URL: send the bytes
	WasErased   Kind = "WasErased"   // the owner erased the picture: discard it

	Unavailable   Kind = "Unavailable"   // a cloud is down, slow or unreachable
	Throttled     Kind = "Throttled"     // a cloud asks us to slow down, perhaps for a stated time
	Forbidden     Kind = "Forbidden"     // a credential or a permission is wrong: the operator must fix it
	Misconfigured Kind = "Misconfigured" // a setting is wrong: the operator must fix it
)

// Rejects reports whether an error of this kind means that the picture can never be annotated.
func (k Kind) Rejects() bool { return k == BadImage || k == TooLarge || k == Gone }

// Retries reports whether Temporal retries an activity after an error of this kind.
func (k Kind) Retries() bool {
	return k == Unavailable || k == Throttled || k == Forbidden || k == Misconfigured
}

// consequence returns a text that says what happens next. The method Sentence appends this text to the error's
// message.
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

// Cloud names the service that an error came from, or that a step uses.
type Cloud string

const (
	AWS      Cloud = "aws"
	Google   Cloud = "google"
	Azure    Cloud = "azure"
	Temporal Cloud = "temporal"
)

// Error is an error that has a Kind, so that its consequence for the picture is known.
type Error struct {
	Kind       Kind
	Cloud      Cloud         // the service that the picture waits for; "" if none
	Message    string        // for people: what happened and what to do, without a full stop
	RetryAfter time.Duration // as the cloud requested; 0 if it did not
	Err        error         // the SDK's error; may be nil
}

// Sentence returns Message, followed by a text that says what happens next. The result is safe to show to the
// picture's owner.
func (e *Error) Sentence() string { return e.Message + e.Kind.consequence() }

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// FailureDetails is attached to the failures of activities and contains the cloud of the failure. The page therefore
// need not find the cloud in the message.
type FailureDetails struct {
	Cloud Cloud `json:"cloud,omitempty"`
}
