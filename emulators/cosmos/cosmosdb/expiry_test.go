package cosmosdb

import (
	"fmt"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestTTL(t *testing.T) {
	never, minute := int32(-1), int32(60)
	for _, c := range []struct {
		name      string
		byDefault *int32
		ttl       string
		gone      bool // after a minute
	}{
		{"without_a_default_nothing_expires", nil, `,"ttl":60`, false},
		{"a_ttl_of_its_own_expires", &never, `,"ttl":60`, true},
		{"no_ttl_of_its_own_stays", &never, ``, false},
		{"the_default_expires", &minute, ``, true},
		{"never_wins_over_the_default", &minute, `,"ttl":-1`, false},
		{"longer_wins_over_the_default", &minute, `,"ttl":120`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := serve(t)
			start := time.Now()
			w.now = func() time.Time { return start.Add(time.Duration(w.ahead.Load())) } // it stands still, however long a request takes
			items := w.items(t, c.byDefault)
			body := []byte(`{"id":"a","pk":"p"` + c.ttl + `}`)
			_, err := items.CreateItem(t.Context(), pk("p"), body, nil)
			want(t, "create", err, 0)
			w.ahead.Store(int64(time.Minute - time.Millisecond))
			_, err = items.ReadItem(t.Context(), pk("p"), "a", nil)
			want(t, "read after nearly a minute", err, 0)
			w.ahead.Store(int64(time.Minute))
			read, created := 0, 409
			if c.gone {
				read, created = 404, 0
			}
			_, err = items.ReadItem(t.Context(), pk("p"), "a", nil)
			want(t, "read after a minute", err, read)
			_, err = items.CreateItem(t.Context(), pk("p"), body, nil)
			want(t, "create after a minute", err, created)
		})
	}
	t.Run("what_expired_is_swept_by_later_writes", func(t *testing.T) {
		w := serve(t)
		items := w.items(t, &never)
		for i := range 40 {
			ttl := [...]string{`,"ttl":60`, ``}[i%2]
			_, err := items.CreateItem(t.Context(), pk("p"), fmt.Appendf(nil, `{"id":"d%d","pk":"p"%s}`, i, ttl), nil)
			want(t, "create", err, 0)
		}
		w.ahead.Store(int64(61 * time.Second))
		for range 5 {
			_, err := items.UpsertItem(t.Context(), pk("p"), []byte(`{"id":"d1","pk":"p"}`), nil)
			want(t, "upsert", err, 0)
		}
		if got := w.kept(t); got != 20 {
			t.Errorf("%d documents are kept, want the 20 that live", got)
		}
	})
}

// kept counts the documents in the file, expired ones too.
func (w *world) kept(t *testing.T) int {
	t.Helper()
	kept := 0
	err := w.store.db.View(func(tx *bbolt.Tx) error {
		container, err := openContainer(tx, target{names: []string{"db", "c"}})
		if err != nil {
			return err
		}
		return container.Bucket(documentsKey).ForEach(func(_, _ []byte) error { kept++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}
