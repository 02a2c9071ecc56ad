package picture_test

import (
	"errors"
	"testing"

	"triptych/picture"
)

func TestKind(t *testing.T) {
	for kind, want := range map[picture.Kind]struct {
		rejects, retries bool
		sentence         string
	}{
		picture.BadImage:      {rejects: true, sentence: "Message"},
		picture.TooLarge:      {rejects: true, sentence: "Message"},
		picture.Gone:          {rejects: true, sentence: "Message"},
		picture.Unfetchable:   {sentence: "Message; Triptych sends the bytes instead"},
		picture.WasErased:     {sentence: "Message"},
		picture.Unavailable:   {retries: true, sentence: "Message; Triptych tries again"},
		picture.Throttled:     {retries: true, sentence: "Message; Triptych tries again"},
		picture.Forbidden:     {retries: true, sentence: "Message; the picture waits until this is fixed"},
		picture.Misconfigured: {retries: true, sentence: "Message; the picture waits until this is fixed"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			if kind.Rejects() != want.rejects || kind.Retries() != want.retries {
				t.Errorf("Rejects = %t, Retries = %t, want %t, %t", kind.Rejects(), kind.Retries(), want.rejects, want.retries)
			}
			e := &picture.Error{Kind: kind, Message: "Message", Err: errors.New("secret detail")}
			if got := e.Sentence(); got != want.sentence {
				t.Errorf("Sentence = %q, want %q", got, want.sentence)
			}
		})
	}
}

func TestError(t *testing.T) {
	cause := errors.New("code 7")
	t.Run("Error_contains_the_cause", func(t *testing.T) {
		err := error(&picture.Error{Kind: picture.Forbidden, Message: "Google refused the call", Err: cause})
		if err.Error() != "Google refused the call: code 7" || !errors.Is(err, cause) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("Error_without_a_cause_is_the_message", func(t *testing.T) {
		if err := (&picture.Error{Kind: picture.BadImage, Message: "Not an image"}); err.Error() != "Not an image" {
			t.Errorf("the error is %v", err)
		}
	})
}
