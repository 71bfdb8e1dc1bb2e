package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// measured is one metric's figures.
type measured struct {
	Name      string   `json:"name"`
	What      string   `json:"what"`
	Unit      string   `json:"unit"`
	Ours      *summary `json:"ours,omitempty"`
	Peer      *summary `json:"peer,omitempty"`
	Ratio     float64  `json:"ratio,omitempty"` // ours / peer, of the medians
	OursError string   `json:"ours_error,omitempty"`
	PeerError string   `json:"peer_error,omitempty"`
}

// line is the figures in one line.
func (m *measured) line() string {
	side := func(s *summary, err string) string {
		if err != "" {
			return "failed: " + err
		}
		if s == nil {
			return "-"
		}
		return human(s.Median, m.Unit)
	}
	line := fmt.Sprintf("ours %-12s peer %-12s", side(m.Ours, m.OursError), side(m.Peer, m.PeerError))
	if m.Ratio != 0 {
		line += fmt.Sprintf(" ratio %.3f", m.Ratio)
	}
	return line
}

// results are a whole run.
type results struct {
	Date     string            `json:"date"`
	Machine  machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Rounds   int               `json:"rounds"`
	CPU      float64           `json:"cpu_geomean_ratio,omitempty"`
	NodeCPU  float64           `json:"node_cpu_geomean_ratio,omitempty"`
	Bars     []verdict         `json:"bars"`
	Metrics  []*measured       `json:"metrics"`
}

func newResults(o options, p *python) *results {
	return &results{
		Date: time.Now().UTC().Format("2006-01-02 15:04 MST"), Machine: thisMachine(), Versions: versions(p), Rounds: o.rounds,
	}
}

// find is the metric of a name, nil where it was not measured.
func (r *results) find(name string) *measured {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// missed counts the bars that are not met.
func (r *results) missed() int {
	n := 0
	for _, b := range r.Bars {
		if !b.Pass {
			n++
		}
	}
	return n
}

// write saves results.json and RESULTS.md in a folder.
func (r *results) write(dir string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.json"), append(data, '\n'), 0o644); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "RESULTS.md"))
	if err != nil {
		return err
	}
	r.print(file)
	return file.Close()
}
