package nn

import (
	"math/bits"
	"runtime"
	"sync"
)

// spare holds memory that was released, by the number of bits of its length in values: a network needs the
// same few sizes for every picture.
var spare [bits.UintSize]sync.Pool

// New is a tensor of zeros.
func New(shape ...int) *Tensor {
	n := size(shape)
	if n == 0 {
		return &Tensor{Shape: shape}
	}
	class := bits.Len(uint(n - 1))
	if released, ok := spare[class].Get().(*Tensor); ok {
		released.Shape, released.Data = shape, released.Data[:n]
		clear(released.Data)
		return released
	}
	return &Tensor{Shape: shape, Data: make([]float32, n, 1<<class)}
}

// Release gives the memory of a tensor that New or a layer made to the next that needs as much. The tensor
// must not be used any more.
func (t *Tensor) Release() {
	if n := cap(t.Data); n > 0 && n&(n-1) == 0 {
		spare[bits.Len(uint(n-1))].Put(t)
	}
}

// inParallel divides 0 to n-1 among the processors.
func inParallel(n int, work func(first, last int)) {
	parts := min(n, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i := range parts {
		all.Go(func() { work(i*n/parts, (i+1)*n/parts) })
	}
	all.Wait()
}
