package nn

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"
	"runtime/debug"
	"sync"
)

// spare holds memory that was released, by class: a network needs the same few sizes for every picture.
var spare [4 * (bits.UintSize + 1)]sync.Pool

// class puts lengths that differ by less than a quarter together; capacity is the longest of them.
func class(length int) (index, capacity int) {
	width := bits.Len(uint(length - 1))
	step := 1 << max(width-3, 0)
	steps := (length + step - 1) / step
	return 4*width + steps%4, steps * step
}

// New is a tensor of zeros.
func New(shape ...int) *Tensor {
	n := size(shape)
	if n == 0 {
		return &Tensor{Shape: shape}
	}
	index, capacity := class(n)
	if released, ok := spare[index].Get().(*Tensor); ok {
		released.Shape, released.Data = shape, released.Data[:n]
		clear(released.Data)
		return released
	}
	return &Tensor{Shape: shape, Data: make([]float32, n, capacity)}
}

// Release gives the memory of a tensor that New or a layer made to the next that needs as much. The tensor
// must not be used any more.
func (t *Tensor) Release() {
	if len(t.Data) == 0 {
		return
	}
	if index, capacity := class(cap(t.Data)); capacity == cap(t.Data) {
		spare[index].Put(t)
	}
}

// inParallel divides 0 to n-1 among the processors. If work panics so does inParallel, in the caller's goroutine,
// where it can be recovered from: in one of its own it would end the process.
func inParallel(n int, work func(first, last int)) {
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
