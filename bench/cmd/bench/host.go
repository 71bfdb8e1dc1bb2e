package main

import (
	"bufio"
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

// coldStart is the time from starting our command to the first byte that it prints.
func coldStart(command string, count int) ([]float64, error) {
	var samples []float64
	for range count {
		process := exec.Command(command, "-c", "print('hi')")
		out, err := process.StdoutPipe()
		if err != nil {
			return samples, err
		}
		start := time.Now()
		if err := process.Start(); err != nil {
			return samples, err
		}
		var first [64]byte
		n, _ := out.Read(first[:])
		samples = append(samples, time.Since(start).Seconds())
		if err := process.Wait(); err != nil {
			return samples, fmt.Errorf("%s: %w", command, err)
		}
		if n == 0 || first[0] != 'h' {
			return samples, errors.New("the command printed nothing")
		}
	}
	return samples, nil
}

// inChild runs a measurement of this program in a process that does nothing else, and parses its figure.
func inChild(name string) func(int) ([]float64, error) {
	return func(count int) ([]float64, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		var samples []float64
		for range count {
			child := exec.Command(self, "-child", name)
			child.Stderr = os.Stderr
			out, err := child.Output()
			if err != nil {
				return samples, fmt.Errorf("child %s: %w", name, err)
			}
			v, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
			if err != nil {
				return samples, err
			}
			samples = append(samples, v)
		}
		return samples, nil
	}
}

// runChild does what inChild asked for; false when this is no child.
func runChild(args []string) bool {
	if len(args) != 2 || args[0] != "-child" {
		return false
	}
	v, err := children[args[1]]()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Println(v)
	return true
}

// versions names what was measured.
func versions(p *peer) map[string]string {
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
		v["pyeryx"], v["peer python"] = p.version.Peer, p.version.Python
	}
	return v
}
