package nn

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
)

// spare is memory that was released, the smallest first: a network needs the same few sizes for every picture.
var spare struct {
	sync.Mutex
	free []*Tensor
	held int // numbers in all of them
}

// mostSpare is what two pictures at once leave behind, and is kept for good; more is left to the garbage collector. Numbers
// have 4 bytes.
const mostSpare = 12 << 20

// New is a tensor of zeros.
func New(shape ...int) *Tensor {
	t := unset(shape...)
	clear(t.Data)
	return t
}

// unset is a tensor of any numbers, for who sets them all.
func unset(shape ...int) *Tensor {
	n := size(shape)
	if n == 0 {
		return &Tensor{Shape: shape}
	}
	if released := fitting(n); released != nil {
		released.Shape, released.Data = shape, released.Data[:n]
		return released
	}
	return &Tensor{Shape: shape, Data: make([]float32, n)}
}

// fitting takes the smallest spare tensor of at least n numbers. If there is none but far too large ones, it drops the
// next smaller one, which the new one will stand in for: what is spare does not grow with every size there is.
func fitting(n int) *Tensor {
	spare.Lock()
	defer spare.Unlock()
	i := place(n)
	fits := i < len(spare.free) && cap(spare.free[i].Data) <= 4*n+1024
	if !fits {
		i--
	}
	if i < 0 {
		return nil
	}
	t := spare.free[i]
	spare.free = slices.Delete(spare.free, i, i+1)
	spare.held -= cap(t.Data)
	if !fits {
		return nil
	}
	return t
}

// place is that of the first spare tensor of at least n numbers.
func place(n int) int {
	i, _ := slices.BinarySearchFunc(spare.free, n, func(t *Tensor, n int) int { return cmp.Compare(cap(t.Data), n) })
	return i
}

// Release gives the memory of a tensor that New or a layer made to the next that needs as much. The tensor
// must not be used any more.
func (t *Tensor) Release() {
	n := cap(t.Data)
	spare.Lock()
	defer spare.Unlock()
	if n > 0 && spare.held+n <= mostSpare {
		spare.free = slices.Insert(spare.free, place(n), t)
		spare.held += n
	}
}

// InParallel divides 0 to n-1 among the processors. If work panics so does InParallel, in the caller's goroutine,
// where it can be recovered from: in one of its own it would end the process.
func InParallel(n int, work func(first, last int)) {
	parts := min(n, runtime.GOMAXPROCS(0))
	panics := make([]error, parts)
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					panics[i] = fmt.Errorf("%v, at\n%s", p, debug.Stack())
				}
			}()
			work(i*n/parts, (i+1)*n/parts)
		})
	}
	all.Wait()
	if err := errors.Join(panics...); err != nil {
		panic(err)
	}
}
