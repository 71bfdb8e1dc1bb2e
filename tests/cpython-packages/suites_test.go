// Package packages runs the own test suites of well-known Python packages, by pytest, in the sandbox, and compares
// the counts of what passed, failed and was skipped with those that manifest.json tells and explains.
//
// By default only the packages that manifest.json calls quick are run; ERYX_FULL=1 runs all.
package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// built is where fetch.py puts the packages.
const built = "../../build/packages"

// packageCount is how many packages the manifest has: one that is lost fails the test.
const packageCount = 7

// suite is one package of the manifest.
type suite struct {
	Quick  bool `json:"quick"`
	Expect struct {
		Counts map[string]int `json:"counts"`
		// Failures explain what fails in the sandbox and not elsewhere: the reason, and the ids of the tests.
		Failures []struct {
			Reason string   `json:"reason"`
			Tests  []string `json:"tests"`
		} `json:"failures"`
	} `json:"expect"`
}

// outcome is the result of run_suite.py.
type outcome struct {
	Exit     int               `json:"exit"`
	Counts   map[string]int    `json:"counts"`
	Failures map[string]string `json:"failures"`
	Skips    map[string]int    `json:"skips"`
}

func TestSuites(t *testing.T) {
	manifest := readManifest(t)
	if len(manifest) != packageCount {
		t.Fatalf("%d packages, want %d", len(manifest), packageCount)
	}
	if _, err := os.Stat(filepath.Join(built, "stamp")); err != nil {
		t.Fatalf("the packages are not there; run `make packages`: %v", err)
	}
	source, err := os.ReadFile("run_suite.py")
	if err != nil {
		t.Fatal(err)
	}
	rt, err := core.NewRuntime(t.Context(), core.RuntimeConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rt.Close() })
	for _, name := range slices.Sorted(maps.Keys(manifest)) {
		s, spec := decode(t, manifest[name])
		if !s.Quick && os.Getenv("ERYX_FULL") == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.check(t, runSuite(t, rt, name, string(source), spec))
		})
	}
}

func readManifest(t *testing.T) map[string]json.RawMessage {
	text, err := os.ReadFile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Packages map[string]json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	return manifest.Packages
}

// decode gives what this test needs of a package, and what run_suite.py needs.
func decode(t *testing.T, raw json.RawMessage) (s suite, spec json.RawMessage) {
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s, raw
}

// runSuite runs the suite in a sandbox that sees the packages, copied on write.
func runSuite(t *testing.T, rt *core.Runtime, name, source string, spec json.RawMessage) outcome {
	root, err := filepath.Abs(built)
	if err != nil {
		t.Fatal(err)
	}
	sandbox, err := rt.NewSandbox(core.Config{
		Limits:  core.Limits{ExecutionTimeout: 15 * time.Minute, MaxMemoryBytes: 1 << 30},
		Volumes: []core.Volume{{HostPath: root, GuestPath: "/packages", Mode: core.VolumeCopyOnWrite}},
	})
	if err != nil {
		t.Fatal(err)
	}
	program := fmt.Sprintf("import json\nSPEC = {'root': '/packages', 'name': %q, 'package': json.loads(%q)}\n%s", name, spec, source)
	result, err := sandbox.Execute(context.Background(), program)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, tail(result.Stdout), tail(result.Stderr))
	}
	var o outcome
	if err := result.Decode(&o); err != nil {
		t.Fatalf("%v\n%s%s", err, tail(result.Stdout), tail(result.Stderr))
	}
	t.Logf("%v: exit %d, %v, skips %v", result.Duration.Round(time.Millisecond), o.Exit, o.Counts, o.Skips)
	if o.Exit > 1 {
		t.Errorf("pytest itself failed\n%s%s", tail(result.Stdout), tail(result.Stderr))
	}
	return o
}

// check compares counts, and the failures by name: one that is not explained is as wrong as one that is gone.
func (s suite) check(t *testing.T, o outcome) {
	if !maps.Equal(o.Counts, s.Expect.Counts) {
		t.Errorf("counts %v\n  want %v", o.Counts, s.Expect.Counts)
	}
	explained := map[string]bool{}
	for _, failure := range s.Expect.Failures {
		for _, test := range failure.Tests {
			explained[test] = true
			if _, failed := o.Failures[test]; !failed {
				t.Errorf("%s did not fail, as %q would have it", test, failure.Reason)
			}
		}
	}
	for _, test := range slices.Sorted(maps.Keys(o.Failures)) {
		if !explained[test] {
			t.Errorf("%s failed:\n%s", test, o.Failures[test])
		}
	}
}

// tail is the end of a long output.
func tail(output []byte) string {
	lines := strings.Split(string(output), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
