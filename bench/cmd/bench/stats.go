package main

import (
	"fmt"
	"math"
	"slices"
)

// summary is what is kept of a metric's samples, in the metric's unit.
type summary struct {
	Median float64 `json:"median"`
	P99    float64 `json:"p99"` // nearest rank: the largest where there are fewer than 100
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// summarise is nil for no samples.
func summarise(samples []float64) *summary {
	n := len(samples)
	if n == 0 {
		return nil
	}
	s := slices.Sorted(slices.Values(samples))
	median := s[n/2]
	if n%2 == 0 {
		median = (s[n/2-1] + s[n/2]) / 2
	}
	rank := int(math.Ceil(0.99*float64(n))) - 1
	return &summary{Median: median, P99: s[rank], Max: s[n-1], N: n}
}

// geomean is the geometric mean of positive values; 0 for none.
func geomean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}

// human writes a value of a unit as people read it.
func human(v float64, unit string) string {
	switch unit {
	case "s":
		switch {
		case math.Abs(v) < 1e-3:
			return fmt.Sprintf("%.1f us", v*1e6)
		case math.Abs(v) < 1:
			return fmt.Sprintf("%.2f ms", v*1e3)
		}
		return fmt.Sprintf("%.2f s", v)
	case "bytes":
		if v < 1<<20 {
			return fmt.Sprintf("%.0f KiB", v/1024)
		}
		return fmt.Sprintf("%.2f MiB", v/(1<<20))
	case "1/s":
		return fmt.Sprintf("%.0f /s", v)
	}
	return fmt.Sprintf("%.3g", v)
}
