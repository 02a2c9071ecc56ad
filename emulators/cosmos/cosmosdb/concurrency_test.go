package cosmosdb

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func TestConcurrency(t *testing.T) {
	e := newEmulator(t)
	items := e.newContainer(t)
	const calls = 50
	countStatuses := func(call func(i int) error) map[int]int {
		var group sync.WaitGroup
		statuses := make([]int, calls)
		for i := range calls {
			group.Go(func() { statuses[i] = statusOf(call(i)) })
		}
		group.Wait()
		counts := map[int]int{}
		for _, s := range statuses {
			counts[s]++
		}
		return counts
	}
	t.Run("one_of_50_creates_of_the_same_id_succeeds", func(t *testing.T) {
		got := countStatuses(func(i int) error {
			_, err := items.CreateItem(t.Context(), partition("one"), item("one", member{"n", fmt.Append(nil, i)}), nil)
			return err
		})
		if got[0] != 1 || got[409] != calls-1 {
			t.Errorf("statuses %v, want one success and 49 times 409", got)
		}
	})
	t.Run("one_of_50_replaces_with_the_same_etag_succeeds", func(t *testing.T) {
		read, err := items.ReadItem(t.Context(), partition("one"), "one", nil)
		expectStatus(t, "read", err, 0)
		got := countStatuses(func(i int) error {
			_, err := items.ReplaceItem(t.Context(), partition("one"), "one", item("one", member{"n", fmt.Append(nil, i)}), &azcosmos.ItemOptions{IfMatchEtag: &read.ETag})
			return err
		})
		if got[0] != 1 || got[412] != calls-1 {
			t.Errorf("statuses %v, want one success and 49 times 412", got)
		}
	})
	t.Run("50_creates_of_different_ids_succeed", func(t *testing.T) {
		got := countStatuses(func(i int) error {
			id := fmt.Sprint("many-", i)
			_, err := items.CreateItem(t.Context(), partition(id), item(id), nil)
			return err
		})
		if got[0] != calls {
			t.Errorf("statuses %v", got)
		}
	})
}

var padding = member{"x", quote(strings.Repeat("x", 5_000))} // as large as an annotation

func createAndRead(b *testing.B, items *azcosmos.ContainerClient, n int64) {
	id := fmt.Sprintf("%08d", n)
	if _, err := items.CreateItem(b.Context(), partition(id), item(id, padding), nil); err != nil {
		b.Error(err)
	}
	if _, err := items.ReadItem(b.Context(), partition(id), id, nil); err != nil {
		b.Error(err)
	}
}

func BenchmarkCreateAndRead(b *testing.B) {
	items := newEmulator(b).newContainer(b)
	var n int64
	for b.Loop() {
		n++
		createAndRead(b, items, n)
	}
}

func BenchmarkConcurrentCreateAndRead(b *testing.B) {
	items := newEmulator(b).newContainer(b)
	var n atomic.Int64
	b.SetParallelism(25)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			createAndRead(b, items, n.Add(1))
		}
	})
}
