package cosmosdb

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func TestConcurrency(t *testing.T) {
	w := serve(t)
	items := w.items(t, nil)
	const at = 50
	together := func(do func(i int) error) map[int]int {
		var group sync.WaitGroup
		statuses := make([]int, at)
		for i := range at {
			group.Go(func() { statuses[i] = status(do(i)) })
		}
		group.Wait()
		count := map[int]int{}
		for _, s := range statuses {
			count[s]++
		}
		return count
	}
	t.Run("of_50_creates_of_one_id_one_succeeds", func(t *testing.T) {
		got := together(func(i int) error {
			_, err := items.CreateItem(t.Context(), pk("p"), fmt.Appendf(nil, `{"id":"one","pk":"p","n":%d}`, i), nil)
			return err
		})
		if got[0] != 1 || got[409] != at-1 {
			t.Errorf("answers %v, want one success and 49 times 409", got)
		}
	})
	t.Run("of_50_replaces_with_one_etag_one_succeeds", func(t *testing.T) {
		read, err := items.ReadItem(t.Context(), pk("p"), "one", nil)
		want(t, "read", err, 0)
		got := together(func(i int) error {
			_, err := items.ReplaceItem(t.Context(), pk("p"), "one", fmt.Appendf(nil, `{"id":"one","pk":"p","n":%d}`, i), &azcosmos.ItemOptions{IfMatchEtag: &read.ETag})
			return err
		})
		if got[0] != 1 || got[412] != at-1 {
			t.Errorf("answers %v, want one success and 49 times 412", got)
		}
	})
	t.Run("50_creates_of_50_ids_all_succeed", func(t *testing.T) {
		got := together(func(i int) error {
			_, err := items.CreateItem(t.Context(), pk("p"), fmt.Appendf(nil, `{"id":"many-%d","pk":"p"}`, i), nil)
			return err
		})
		if got[0] != at {
			t.Errorf("answers %v", got)
		}
	})
}

func BenchmarkCreateAndRead(b *testing.B) {
	w := serve(b)
	items := w.items(b, nil)
	padding := strings.Repeat("x", 5_000) // about what an annotation is
	var n int
	for b.Loop() {
		n++
		id := fmt.Sprintf("%08d", n)
		if _, err := items.CreateItem(b.Context(), pk("p"), fmt.Appendf(nil, `{"id":%q,"pk":"p","x":%q}`, id, padding), nil); err != nil {
			b.Fatal(err)
		}
		if _, err := items.ReadItem(b.Context(), pk("p"), id, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreateAndReadTogether(b *testing.B) {
	w := serve(b)
	items := w.items(b, nil)
	padding := strings.Repeat("x", 5_000)
	var mu sync.Mutex
	var n int
	b.SetParallelism(25)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			mu.Lock()
			n++
			id := fmt.Sprintf("%08d", n)
			mu.Unlock()
			if _, err := items.CreateItem(b.Context(), pk("p"), fmt.Appendf(nil, `{"id":%q,"pk":"p","x":%q}`, id, padding), nil); err != nil {
				b.Error(err)
				return
			}
			if _, err := items.ReadItem(b.Context(), pk("p"), id, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
