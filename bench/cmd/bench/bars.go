package main

import (
	"fmt"
	"strings"
)

// bar is one requirement of an issue: a metric's ratio to the peer, or its value, against a bound.
type bar struct {
	issue   int
	metric  string // "cpu" is the geometric mean of the ratios of all cpu/ metrics
	text    string
	by      figure
	bound   float64
	atLeast bool // the figure must be at least the bound instead of at most
}

// figure says what of a metric is compared.
type figure int

const (
	byRatio  figure = iota // of the medians
	byMedian               // ours
	byMax                  // ours: the worst sample
)

// bars are those of issues 3 to 9 that are figures.
var bars = []bar{
	{3, "create_print", "create, print, close", byRatio, 0.3, false},
	{3, "recycled_ready", "a recycled sandbox is ready to run", byMedian, 50e-6, false},
	{3, "session_execute", "second execute in a session", byRatio, 0.6, false},
	{3, "create_rate", "create, print, close on 2 cores", byRatio, 4, true},
	{3, "session_memory", "private memory of a live session that printed", byRatio, 0.8, false},
	{3, "cold_start", "cold start of the command", byMedian, 0.090, false},
	{3, "cpu", "CPU, geometric mean of the ratios", byRatio, 1.2, false},
	{3, "gc_while_spinning", "runtime.GC while 8 guests spin, worst", byMax, 0.050, false},
	{3, "stop/loop", "`while True: pass` stopped after its deadline, worst", byMax, 0.020, false},
	{3, "stop/builtin", "`sum(range(10**12))` stopped after its deadline (grace 100 ms), worst", byMax, 0.120, false},
	{3, "stop/regex", "catastrophic regular expression stopped after its deadline (grace 100 ms), worst", byMax, 0.120, false},
	{3, "import/http.client", "first import of http.client", byRatio, 0.25, false},
	{3, "import/unittest", "first import of unittest", byRatio, 0.25, false},
	{3, "import/statistics", "first import of statistics", byRatio, 0.25, false},
	{3, "import/argparse", "first import of argparse", byRatio, 0.25, false},
	{4, "callback_sequential", "sequential `await echo(x=i)`, each", byMedian, 12e-6, false},
	{4, "callback_gathered", "1,000 gathered callbacks, each", byMedian, 8e-6, false},
	{4, "callback_10000", "10,000 concurrent callbacks of 50 ms, all", byMedian, 1, false},
	{4, "waiting_goroutines", "goroutines per waiting session", byMax, 0.05, false},
	{4, "trace_factor", "traced loop, in times of the untraced", byMedian, 5, false},
	{5, "python/create_print", "through Python: create and print", byRatio, 0.35, false},
	{5, "python/session_execute", "through Python: second execute in a session", byRatio, 0.9, false},
	{5, "python/callback_sequential", "through Python: sequential callback", byRatio, 0.35, false},
	{5, "python/callback_gathered", "through Python: 1,000 gathered callbacks", byRatio, 0.12, false},
	{5, "python/cold_start", "through Python: new process, import, first result", byRatio, 0.8, false},
	{6, "snapshot_state", "`SnapshotState` of a dict of 10,000 entries", byRatio, 0.08, false},
	{6, "image/take", "`Snapshot` of a fresh session and 1 MiB", byMedian, 5e-3, false},
	{6, "image/restore", "`Restore` of it", byMedian, 2e-3, false},
	{6, "fork", "`Fork` of it", byMedian, 1e-3, false},
	{6, "factory_factor", "building a factory, in times of its imports", byMedian, 1.5, false},
	{7, "files/write", "writing 100 MiB to a file in memory", byRatio, 1, false},
	{7, "files/read", "reading it", byRatio, 1, false},
	{7, "import_package", "importing a package of 200 modules from a wheel", byRatio, 0.5, false},
	{10, "rust/callback_inline_overhead", "Rust: inline callback, over the C interface", byMedian, 1e-6, false},
	{9, "node/cold_start", "Node: new process to first output", byRatio, 1.0 / 8, false},
	{9, "node/create_print", "Node: fresh sandbox that has printed", byRatio, 1.0 / 1000, false},
	{9, "node/memory", "Node: memory per instance", byRatio, 0.1, false},
	{9, "node/callback_sequential", "Node: sequential async callback", byMedian, 60e-6, false},
	{9, "node/callback_gathered", "Node: 1,000 gathered callbacks, each", byMedian, 15e-6, false},
}

// verdict is a bar beside what was measured.
type verdict struct {
	Issue  int    `json:"issue"`
	Metric string `json:"metric"`
	Text   string `json:"text"`
	Bound  string `json:"bound"`
	Value  string `json:"value"`
	Pass   bool   `json:"pass"`
}

// judge fills Bars and CPU from Metrics. A bar whose figure is missing is not met.
func (r *results) judge() {
	r.CPU, r.NodeCPU = r.geomeanOf("cpu/"), r.geomeanOf(nodePrefix+"cpu/")
	r.Bars = nil
	for _, b := range bars {
		r.Bars = append(r.Bars, r.verdict(b))
	}
}

// geomeanOf is the geometric mean of the ratios of the metrics whose names begin so; 0 where there are none.
func (r *results) geomeanOf(prefix string) float64 {
	var ratios []float64
	for _, m := range r.Metrics {
		if strings.HasPrefix(m.Name, prefix) && m.Ratio > 0 {
			ratios = append(ratios, m.Ratio)
		}
	}
	return geomean(ratios)
}

func (r *results) verdict(b bar) verdict {
	v := verdict{Issue: b.issue, Metric: b.metric, Text: b.text, Value: "not measured"}
	value, unit, ok := r.figure(b)
	show := func(x float64) string {
		if b.by == byRatio {
			return fmt.Sprintf("%.3g x peer", x)
		}
		return human(x, unit)
	}
	v.Bound = map[bool]string{false: "at most ", true: "at least "}[b.atLeast] + show(b.bound)
	if ok {
		v.Value = show(value)
		v.Pass = value <= b.bound
		if b.atLeast {
			v.Pass = value >= b.bound
		}
	}
	return v
}

// figure is the number that a bar compares, and its unit.
func (r *results) figure(b bar) (value float64, unit string, ok bool) {
	if b.metric == "cpu" {
		return r.CPU, "", r.CPU > 0
	}
	m := r.find(b.metric)
	if m == nil {
		return 0, "s", false
	}
	switch {
	case m.Ours == nil || m.OursError != "":
		return 0, m.Unit, false
	case b.by == byRatio:
		return m.Ratio, m.Unit, m.Ratio > 0
	case b.by == byMax:
		return m.Ours.Max, m.Unit, true
	}
	return m.Ours.Median, m.Unit, true
}
