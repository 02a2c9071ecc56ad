package picture

import "testing"

func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		"01990000-0000-7000-8000-000000000000-0123456789abcdef", "sig=a", "SIG:a", "Signature%3Da", "Bearer a", "bearer%20a",
		"X-Triptych-Erase\ta", "x-triptych-erase[a", "x-triptych-erase\"a", "X-Triptych-Erase\\a", "X-Triptych-Erase%3a%20a", "picture/01990000-0000-7000-8000-000000000000",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := Redact(s), linkID.ReplaceAllString(signature.ReplaceAllString(s, "${1}…"), "…"); got != want {
			t.Errorf("Redact(%q) = %q, and its expressions make %q", s, got, want)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	for name, s := range map[string]string{"workflow_ID": "picture/01990000-0000-7000-8000-000000000000", "sentence": "the bucket does not exist", "path": "/dbs/triptych/colls/pictures/docs/01990000-0000-7000-8000-000000000000"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Redact(s)
			}
		})
	}
}
