package main

import (
	"math"
	"testing"
)

func TestSummarise(t *testing.T) {
	if got := summarise(nil); got != nil {
		t.Errorf("no samples: got %v", got)
	}
	if got := *summarise([]float64{3, 1, 2, 10}); got != (summary{Median: 2.5, P99: 10, Max: 10, N: 4}) {
		t.Errorf("four samples: got %+v", got)
	}
	var many []float64
	for i := range 200 {
		many = append(many, float64(200-i))
	}
	if got := summarise(many); got.P99 != 198 || got.Max != 200 || got.Median != 100.5 {
		t.Errorf("200 samples: got %+v", got)
	}
}

func TestGeomean(t *testing.T) {
	if got := geomean([]float64{0.5, 2, 8}); math.Abs(got-2) > 1e-12 {
		t.Errorf("got %v, want 2", got)
	}
	if got := geomean(nil); got != 0 {
		t.Errorf("none: got %v", got)
	}
}

func TestBarMissedWithoutFigure(t *testing.T) {
	r := &results{Metrics: []*measured{
		{Name: "session_execute", Unit: "s", Ours: &summary{Median: 5}, Peer: &summary{Median: 10}, Ratio: 0.5},
		{Name: "create_rate", Unit: "1/s", Ours: &summary{Median: 30}, Peer: &summary{Median: 10}, Ratio: 3},
		{Name: "cpu/a", Ratio: 1.5}, {Name: "cpu/b", Ratio: 0.9},
	}}
	r.judge()
	want := map[string]bool{"session_execute": true, "create_rate": false, "cpu": true, "cold_start": false}
	for _, b := range r.Bars {
		if pass, ok := want[b.Metric]; ok && b.Pass != pass {
			t.Errorf("%s: pass %v, value %q", b.Metric, b.Pass, b.Value)
		}
	}
}

func TestHuman(t *testing.T) {
	for _, c := range []struct {
		value float64
		unit  string
		want  string
	}{{0.0000431, "s", "43.1 us"}, {0.0021, "s", "2.10 ms"}, {1.5, "s", "1.50 s"}, {1 << 21, "bytes", "2.00 MiB"}, {455.4, "1/s", "455 /s"}} {
		if got := human(c.value, c.unit); got != c.want {
			t.Errorf("human(%v, %q) = %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}
