//go:build unix

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// started runs code that first prints "ready", and returns when it has.
func started(t *testing.T, code string, arguments ...string) (c *exec.Cmd, stdout *bufio.Reader) {
	t.Helper()
	c = command(t, append(arguments, "-c", "print('ready')\n"+code)...)
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stdout = bufio.NewReader(pipe)
	if line, err := stdout.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return c, stdout
}

// end waits for the command's end.
func end(t *testing.T, c *exec.Cmd, stdout io.Reader, code int, text string) {
	t.Helper()
	rest, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // the exit code says all
	if got := c.ProcessState.ExitCode(); got != code || string(rest) != text {
		t.Fatalf("exit code %d, want %d; stdout %q, want %q", got, code, rest, text)
	}
}

func TestInterrupt(t *testing.T) {
	for name, code := range map[string]string{
		"loop":  "try:\n  while True: pass\nfinally: print('cleaned up')",
		"sleep": "import time\ntry: time.sleep(99)\nfinally: print('cleaned up')",
		"await": "import asyncio\ntry: await asyncio.sleep(99)\nfinally: print('cleaned up')",
	} {
		t.Run(name, func(t *testing.T) {
			c, stdout := started(t, code)
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			end(t, c, stdout, exitInterrupted, "cleaned up\n")
		})
	}
}

func TestTerminate(t *testing.T) {
	c, stdout := started(t, "while True: pass")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	end(t, c, stdout, 128+int(syscall.SIGTERM), "")
}

// A script that does not let go is stopped by force.
func TestInterruptStubborn(t *testing.T) {
	c, stdout := started(t, "while True:\n  try:\n    while True: pass\n  except BaseException: pass")
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	end(t, c, stdout, exitInterrupted, "")
}

func TestInterruptWithJSON(t *testing.T) {
	c := command(t, "--json", "-v", t.TempDir()+":/mnt/v:rw", "-c", "open('/mnt/v/ready', 'w').close()\nwhile True: pass")
	volume := c.Args[3][:len(c.Args[3])-len(":/mnt/v:rw")]
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(volume + "/ready"); err == nil {
			break
		}
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if code := c.ProcessState.ExitCode(); code != exitInterrupted || !like(string(text), `..."error":{"code":"cancelled",..."exit_code":130,...`) {
		t.Fatalf("exit code %d\n%s", code, text)
	}
}
