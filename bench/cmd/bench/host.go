package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// machine describes where the figures were taken.
type machine struct {
	System    string `json:"system"`
	Processor string `json:"processor"`
	CPUs      int    `json:"cpus"`
	Load      string `json:"load"` // the three load averages before the run
}

func thisMachine() machine {
	m := machine{System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += " " + strings.TrimSpace(string(release))
	}
	m.Processor = procField("/proc/cpuinfo", "model name")
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	return m
}

// procField is the value of the first "name : value" line of a file in /proc; "" where there is none.
func procField(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// privateDirty is how many bytes of this process's memory are its own and written to.
func privateDirty() (float64, error) {
	value := procField("/proc/self/smaps_rollup", "Private_Dirty")
	kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(value, " kB"), 64)
	if err != nil {
		return 0, fmt.Errorf("Private_Dirty of /proc/self/smaps_rollup: %q", value)
	}
	return kilobytes * 1024, nil
}

// coldStart is the time from starting our command to the first byte that it prints, of each of count starts.
func coldStart(command string, count int) ([]float64, error) {
	var samples []float64
	for range count {
		one, err := startToOutput(command)
		if err != nil {
			return samples, err
		}
		samples = append(samples, one)
	}
	return samples, nil
}

func startToOutput(command string) (float64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), childTime)
	defer cancel()
	process := exec.CommandContext(ctx, command, "-c", "print('hi')")
	out, err := process.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := process.Start(); err != nil {
		return 0, err
	}
	var first [64]byte
	n, _ := out.Read(first[:])
	took := time.Since(start).Seconds()
	if err := process.Wait(); err != nil {
		return 0, fmt.Errorf("%s: %w", command, err)
	}
	if n == 0 || first[0] != 'h' {
		return 0, errors.New("the command printed nothing")
	}
	return took, nil
}

// childTime is how long a child process may take: a guest that cannot be stopped must not stop the run.
const childTime = 120 * time.Second

// inChild takes a measurement of children in a process of its own.
func inChild(name string) func(int) ([]float64, error) {
	return func(count int) ([]float64, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), childTime)
		defer cancel()
		child := exec.CommandContext(ctx, self, "-child", name, strconv.Itoa(count))
		child.Stderr = os.Stderr
		out, err := child.Output()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("no end after %v", childTime)
		}
		if err != nil {
			return nil, fmt.Errorf("child %s: %w", name, err)
		}
		var samples []float64
		err = json.Unmarshal(out, &samples)
		return samples, err
	}
}

// runChild does what inChild asked for; false when this is no child.
func runChild(args []string) bool {
	if len(args) != 3 || args[0] != "-child" {
		return false
	}
	count, err := strconv.Atoi(args[2])
	var samples []float64
	if err == nil {
		samples, err = takeInChild(args[1], count)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(samples)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}

// versions names what was measured.
func versions(p *python) map[string]string {
	v := map[string]string{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == "github.com/tetratelabs/wazero" {
				v["wazero"] = dependency.Version
			}
		}
	}
	if out, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		v["eryx-go"] = strings.TrimSpace(string(out))
	}
	if p != nil {
		v["pyeryx"], v["python"] = p.about.Version, p.about.Python
	}
	return v
}
