package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

const showArguments = "import sys\nprint(sys.argv)\n"

func TestCode(t *testing.T) {
	eryx(t, "", "-c", "print(1 + 1)").check(t, 0, "2\n", "")
	eryx(t, "", "-c", "").check(t, 0, "", "")
	eryx(t, "", "-c", showArguments, "a", "--b", "-c").check(t, 0, "['-c', 'a', '--b', '-c']\n", "")
	eryx(t, "", "-c", showArguments, "--timeout", "9", "--", "--json").check(t, 0, "['-c', '--json']\n", "")
	eryx(t, "", "-c", "import asyncio\nprint(await asyncio.sleep(0, 'top level'))").check(t, 0, "top level\n", "")
}

func TestScript(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "s.py"), "\ufeff#!/usr/bin/env eryx\r\n"+showArguments)
	eryxIn(t, dir, "", "s.py", "--timeout", "x").check(t, 0, "['s.py', '--timeout', 'x']\n", "")
	eryxIn(t, dir, "", "none.py").check(t, 2, "", "eryx: open the script: open none.py: ...")
	eryxIn(t, dir, "", ".").check(t, 2, "", "eryx: read the script: ...")
	writeFile(t, filepath.Join(dir, "latin.py"), "print('\xe9')")
	eryxIn(t, dir, "", "latin.py").check(t, 2, "", "eryx: the source is not valid UTF-8\n")
}

func TestScriptFromStandardInput(t *testing.T) {
	eryx(t, showArguments, "-", "a").check(t, 0, "['-', 'a']\n", "")
	eryx(t, showArguments).check(t, 0, "['-']\n", "")
	eryx(t, "print(repr(__import__('sys').stdin.read()))", "-").check(t, 0, "''\n", "")
}

func TestStandardInputOfTheScript(t *testing.T) {
	eryx(t, "one\ntwo\n", "-c", "print(input('? '), input())").check(t, 0, "? one two\n", "")
	eryx(t, "", "-c", "input()").check(t, 1, "", "...EOFError: EOF when reading a line\n")
	long := strings.Repeat("0123456789abcdef", 50_000)
	eryx(t, long, "-c", "import sys\nprint(len(sys.stdin.buffer.read()), sys.stdin.read())").check(t, 0, "800000 \n", "")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "s.py"), "print(input()[::-1])")
	eryxIn(t, dir, "abc\n", "s.py").check(t, 0, "cba\n", "")
}

// Each line is answered before the next one is sent: neither side may wait for more.
func TestStreamsAreLive(t *testing.T) {
	command := command(t, "-c", "while True: print(input().upper())")
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		if _, err := io.WriteString(stdin, line); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(line))
		if _, err := io.ReadFull(stdout, answer); err != nil {
			t.Fatal(err)
		}
		if string(answer) != strings.ToUpper(line) {
			t.Fatalf("answer %q to %q", answer, line)
		}
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil || command.ProcessState.ExitCode() != 1 {
		t.Fatalf("at the end of input: %v, want exit code 1", err)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		code   string
		exit   int
		stderr string
	}{
		{"import sys; sys.exit()", 0, ""},
		{"import sys; sys.exit(7)", 7, ""},
		{"import sys; sys.exit(-1)", 255, ""},
		{"import sys; sys.exit(256)", 0, ""},
		{"import sys; sys.exit(10**30)", 255, ""},
		{"import sys; sys.exit('a reason')", 1, "a reason\n"},
		{"raise SystemExit(3)", 3, ""},
		{"exit(4)", 4, ""},
		{"import os; os._exit(5)", 5, ""},
		{"import os; os._exit(0)", 0, ""},
		{"import sys; print('x', file=sys.stderr)", 0, "x\n"},
		{"1/0", 1, "Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\n    1/0\n    ~^~\nZeroDivisionError: division by zero\n"},
		{"def f(:", 1, "  File \"<string>\", line 1\n    def f(:\n          ^\nSyntaxError: invalid syntax\n"},
		{"a\x00b", 2, "..."},
	} {
		if strings.ContainsRune(c.code, 0) { // no argument can contain it
			eryx(t, c.code, "-").check(t, c.exit, "", "eryx: the source contains a NUL byte\n")
			continue
		}
		eryx(t, "", "-c", c.code).check(t, c.exit, "", c.stderr)
	}
}

func TestTracebackNamesTheScript(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "s.py"), "def f():\n    raise ValueError('no')\nf()\n")
	eryxIn(t, dir, "", "s.py").check(t, 1, "", `Traceback (most recent call last):
  File "s.py", line 3, in <module>
    f()
    ~^^
  File "s.py", line 2, in f
    raise ValueError('no')
ValueError: no
`)
}
