package main

import (
	"slices"

	"gonum.org/v1/gonum/stat"
)

// summary reduces a list of values to one value. It returns nil if the list is too short.
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

// median returns the median of the values. For an even number of values, this is the mean of the two middle values.
func median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(values))
	x := (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	return &x
}

func maximum(values []float64) *float64 { return quantile(1)(values) }

// minForP99 is the minimum number of values for a 99th percentile. With fewer values, the 99th percentile is the
// maximum.
const minForP99 = 100

// tail returns the name and the summary for the slowest pictures. If any variant has enough values, tail returns the
// 99th percentile, which is nil for variants with fewer values. Otherwise tail returns the maximum.
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
