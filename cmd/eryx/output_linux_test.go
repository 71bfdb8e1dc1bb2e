package main

import (
	"bytes"
	"os"
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
