package main

import (
	"slices"

	"gonum.org/v1/gonum/stat"
)

// A summary returns one value, such as the median, or nil if there are too few values.
type summary func(values []float64) *float64

func quantile(q float64) summary {
	return func(values []float64) *float64 {
		if len(values) == 0 {
			return nil
		}
		x := stat.Quantile(q, stat.Empirical, slices.Sorted(slices.Values(values)), nil)
		return &x
	}
}

func median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	x := (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	return &x
}

func maximum(values []float64) *float64 { return quantile(1)(values) }

// With fewer values, the 99th percentile equals the maximum.
const minForP99 = 100

func (m measurements) tail(metric string) (string, summary) {
	for _, values := range m[metric] {
		if len(values) >= minForP99 {
			return "p99", func(values []float64) *float64 {
				if len(values) < minForP99 {
					return nil
				}
				return quantile(.99)(values)
			}
		}
	}
	return "max", maximum
}

func scaled(s summary, factor float64) summary {
	return func(values []float64) *float64 {
		x := s(values)
		if x != nil {
			*x *= factor
		}
		return x
	}
}
