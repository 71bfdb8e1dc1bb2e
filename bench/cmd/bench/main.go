// Command bench measures our engine, our Python package and the peer, pyeryx, in turns within one run, and writes
// bench/RESULTS.md and bench/results.json. Run it from anywhere inside the repository, as make bench does:
//
//	make build && python3 bench/peer/make_venv.py && go run ./bench/cmd/bench
//
// -only takes a prefix of metric names, -rounds the number of turns, -check makes a missed bar an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	root    string // the repository
	only    string
	rounds  int
	limit   time.Duration // no metric is begun later
	check   bool
	dry     bool
	python  string
	command string
	library string
	node    string
}

func main() {
	if done := runChild(os.Args[1:]); done {
		return
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	root, err := repository()
	if err != nil {
		return err
	}
	o.root = root
	flag.StringVar(&o.only, "only", "", "measure only metrics whose names begin with this; writes no files")
	flag.IntVar(&o.rounds, "rounds", 3, "how many turns each side takes at each metric")
	flag.DurationVar(&o.limit, "limit", 20*time.Minute, "begin no metric after this time; bars of what is left are missed")
	flag.BoolVar(&o.check, "check", false, "fail when a bar is missed")
	flag.BoolVar(&o.dry, "dry", false, "write no files")
	flag.StringVar(&o.python, "peer-python", filepath.Join(root, "build/peer-venv/bin/python"), "the peer's interpreter; empty measures ours alone")
	flag.StringVar(&o.command, "command", filepath.Join(root, "build/eryx"), "our command, for the cold start")
	flag.StringVar(&o.library, "library", filepath.Join(root, "build/liberyx.so"), "our library, for our Python package")
	flag.StringVar(&o.node, "node", "node", "runs our Node package and Pyodide; empty leaves them out")
	flag.Parse()

	ours, err := newEngine(context.Background(), o)
	if err != nil {
		return err
	}
	defer ours.close()
	if ours.binding, err = startBinding(o); err != nil {
		return err
	}
	defer ours.binding.close()
	if o.node != "" {
		ours.node, ours.pyodide = startNode(o, "eryx"), startNode(o, "pyodide")
		defer ours.node.close()
		defer ours.pyodide.close()
	}
	if ours.rust = startRust(o); ours.rust != nil {
		defer ours.rust.close()
	}
	peer, err := startPeer(o)
	if err != nil {
		return err
	}
	defer peer.close()

	results := measureAll(o, ours, peer)
	results.judge()
	results.print(os.Stdout)
	if o.only == "" && !o.dry {
		if err := results.write(filepath.Join(root, "bench")); err != nil {
			return err
		}
	}
	if missed := results.missed(); o.check && missed > 0 {
		return fmt.Errorf("%d bars missed", missed)
	}
	return nil
}

// measureAll lets the two sides take turns at each metric.
func measureAll(o options, ours *engine, peer *python) *results {
	r := newResults(o, peer)
	end := time.Now().Add(o.limit)
	for _, m := range ours.metrics() {
		if time.Now().After(end) {
			fmt.Fprintf(os.Stderr, "bench: the rest is not measured: %v are over\n", o.limit)
			break
		}
		if !strings.HasPrefix(m.name, o.only) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%-28s", m.name)
		rounds := o.rounds
		if m.once {
			rounds = 1
		}
		got := measure(m, rounds, peer)
		fmt.Fprintln(os.Stderr, got.line())
		r.Metrics = append(r.Metrics, got)
	}
	return r
}

// measure takes one metric's samples: ours, the peer's, ours, the peer's, ...
func measure(m metric, rounds int, peer *python) *measured {
	got := &measured{Name: m.name, Unit: m.unit, What: m.what}
	var mine, theirs []float64
	if m.from != nil {
		peer = m.from
	}
	peerCount := m.count
	if m.peerCount > 0 {
		peerCount = m.peerCount
	}
	for range rounds {
		if got.OursError == "" {
			samples, err := inTime(m.take, m.count)
			mine = append(mine, samples...)
			got.OursError = text(err)
		}
		if m.peer != "" && peer != nil && got.PeerError == "" {
			samples, err := peer.take(m.peer, peerCount)
			theirs = append(theirs, samples...)
			got.PeerError = text(err)
		}
	}
	got.Ours, got.Peer = summarise(mine), summarise(theirs)
	if got.Ours != nil && got.Peer != nil && got.Peer.Median != 0 {
		got.Ratio = got.Ours.Median / got.Peer.Median
	}
	return got
}

// inTime takes samples and gives up when that has no end, so that the run has one. Children and Python end earlier by
// themselves.
func inTime(take func(int) ([]float64, error), count int) ([]float64, error) {
	type outcome struct {
		samples []float64
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		samples, err := take(count)
		done <- outcome{samples, err}
	}()
	select {
	case got := <-done:
		return got.samples, got.err
	case <-time.After(2 * childTime):
		return nil, fmt.Errorf("no end after %v", 2*childTime)
	}
}

// repository is the nearest folder upwards that holds go.mod.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run me inside the repository")
		}
		dir = parent
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
