//go:build linux

package main

import (
	"cmp"
	"slices"
)

// percentile returns the value that p percent of the sorted values do not exceed (nearest rank), or zero of none.
func percentile[T cmp.Ordered](sorted []T, p int) T {
	if len(sorted) == 0 {
		var zero T
		return zero
	}
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}

// sum adds up what processes have.
func sum[N int64 | float64](by map[string]N) N {
	var all N
	for _, one := range by {
		all += one
	}
	return all
}

// median returns the middle of what pick finds in the items; of an even number the lower one.
func median[I any, T cmp.Ordered](items []I, pick func(I) T) T {
	values := make([]T, len(items))
	for i, item := range items {
		values[i] = pick(item)
	}
	slices.Sort(values)
	return percentile(values, 50)
}
