package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// print writes the results as Markdown.
func (r *results) print(w io.Writer) {
	fmt.Fprintf(w, "# Results of `make bench`\n\n")
	fmt.Fprintf(w, "%s on %s, %s, %d CPUs, load %s before the run. ", r.Date, r.Machine.System, r.Machine.Processor, r.Machine.CPUs, r.Machine.Load)
	var names []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		names = append(names, name+" "+r.Versions[name])
	}
	fmt.Fprintf(w, "%s.\n", strings.Join(names, ", "))
	fmt.Fprintf(w, "Our engine through its Go API (python/: our Python package) and the peer through its Python API took turns at each metric, %d times.\n", r.Rounds)
	fmt.Fprintf(w, "Written by `bench/cmd/bench`, which says how each figure is taken; do not edit.\n\n")
	r.printBars(w)
	r.printMetrics(w, "Starting, running, callbacks, state", func(name string) bool {
		return !strings.HasPrefix(name, "cpu/") && !strings.HasPrefix(name, "python/") && !isNode(name) && !isRust(name)
	})
	r.printMetrics(w, "Through the Python package", func(name string) bool { return strings.HasPrefix(name, "python/") })
	r.printMetrics(w, "Through the Rust crates", isRust)
	r.printMetrics(w, "CPU", func(name string) bool { return strings.HasPrefix(name, "cpu/") })
	if r.CPU > 0 {
		fmt.Fprintf(w, "\nGeometric mean of the ratios: **%.3f**\n", r.CPU)
	}
	r.printMetrics(w, "The Node package; the peer is Pyodide in Node", isNode)
	if r.NodeCPU > 0 {
		fmt.Fprintf(w, "\nGeometric mean of the ratios of CPU, where Pyodide has V8's compiler: **%.3f**\n", r.NodeCPU)
	}
}

func (r *results) printBars(w io.Writer) {
	fmt.Fprintf(w, "## Bars: %d of %d met\n\n", len(r.Bars)-r.missed(), len(r.Bars))
	fmt.Fprintln(w, "| issue | what | bar | measured | |\n|---|---|---|---|---|")
	for _, b := range r.Bars {
		fmt.Fprintf(w, "| %d | %s | %s | %s | %s |\n", b.Issue, b.Text, b.Bound, b.Value, map[bool]string{true: "pass", false: "**FAIL**"}[b.Pass])
	}
}

func (r *results) printMetrics(w io.Writer, title string, wanted func(string) bool) {
	fmt.Fprintf(w, "\n## %s\n\n", title)
	fmt.Fprintln(w, "| metric | what | ours | p99 | n | peer | p99 | n | ratio |\n|---|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, m := range r.Metrics {
		if !wanted(m.Name) {
			continue
		}
		ratio := ""
		if m.Ratio > 0 {
			ratio = fmt.Sprintf("%.3f", m.Ratio)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", m.Name, m.What, m.cells(m.Ours, m.OursError), m.cells(m.Peer, m.PeerError), ratio)
	}
}

// cells are median, p99 and n of one side, or why there are none.
func (m *measured) cells(s *summary, problem string) string {
	if problem != "" {
		return strings.NewReplacer("|", "\\|", "\n", " ").Replace(problem) + " | | "
	}
	if s == nil {
		return " | | "
	}
	return fmt.Sprintf("%s | %s | %d", human(s.Median, m.Unit), human(s.P99, m.Unit), s.N)
}
