package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Output that cannot be written is not lost in silence.
func TestFullDisk(t *testing.T) {
	for _, arguments := range [][]string{{"-c", "print(1)"}, {"--json", "-c", "1"}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer full.Close()
		var stderr bytes.Buffer
		c := command(t, arguments...)
		c.Stdout, c.Stderr = full, &stderr
		_ = c.Run() // the exit code says all
		outcome{"", stderr.String(), c.ProcessState.ExitCode()}.
			check(t, exitFailed, "", "eryx: write /dev/stdout: no space left on device\n")
	}
}

// A disk that fills up while the cache is written costs the cache, not the start, and leaves nothing half written that the next
// start would take for whole. The limit of a file's size fails writes half way, as a full disk does.
func TestDiskFillsUp(t *testing.T) {
	dir := emptyCache(t)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for range 2 {
		c := exec.CommandContext(ctx, "sh", "-c", `ulimit -f 48000; exec "$0" -c 'print(1)'`, binary) // 24 MB: more than the image in memory, less than the code
		o := finish(t, c)
		if o.code != 0 || o.stdout != "1\n" || strings.Count(o.stderr, "eryx: warning: ") != 1 {
			t.Errorf("%+v", o)
		}
	}
	eryx(t, "", "-c", "print(2)").check(t, 0, "2\n", "eryx: compiling the Python runtime for this machine (once) ...\n")
	eryx(t, "", "-c", "print(3)").check(t, 0, "3\n", "")
	left, err := filepath.Glob(filepath.Join(dir, "eryx", "*.tmp*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
