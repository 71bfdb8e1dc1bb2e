//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

const (
	ctrlC = "\x03"
	ctrlD = "\x04"
	enter = "\r"
	up    = "\x1b[A"
)

// conversation is the command on a terminal.
type conversation struct {
	t        *testing.T
	command  *exec.Cmd
	terminal *os.File
	output   chan string // what the command has written, as it comes; closed at its end
	seen     string      // what no expect has matched yet, without escape sequences
}

// converse starts the command on a terminal and waits for its prompt; state is as of onTerminal.
func converse(t *testing.T, state string, arguments ...string) *conversation {
	t.Helper()
	c := onTerminal(t, state, arguments...)
	c.expect(">>> ")
	return c
}

// onTerminal starts the command on a terminal, with what it remembers in the folder state.
func onTerminal(t *testing.T, state string, arguments ...string) *conversation {
	t.Helper()
	command := command(t, arguments...)
	command.Env = append(os.Environ(), "TERM=xterm", "XDG_STATE_HOME="+state, "INPUTRC=/dev/null")
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Rows: 40, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	c := &conversation{t: t, command: command, terminal: terminal, output: make(chan string, 1024)}
	go c.listen()
	t.Cleanup(func() {
		_ = command.Process.Kill() // it has ended, unless the test failed
		_ = terminal.Close()
	})
	return c
}

func (c *conversation) listen() {
	defer close(c.output)
	buffer := make([]byte, 4096)
	for {
		n, err := c.terminal.Read(buffer)
		if n > 0 {
			c.output <- string(buffer[:n])
		}
		if err != nil { // EIO when the command has ended
			return
		}
	}
}

var escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]`)

// expect waits until the command has written text, escape sequences apart.
func (c *conversation) expect(text string) {
	c.t.Helper()
	timeout := time.After(limit)
	for {
		if i := strings.Index(c.seen, text); i >= 0 {
			c.seen = c.seen[i+len(text):]
			return
		}
		select {
		case more, ok := <-c.output:
			if !ok {
				c.t.Fatalf("the command ended; want %q in %q", text, c.seen)
			}
			c.seen = escapes.ReplaceAllString(c.seen+more, "")
		case <-timeout:
			c.t.Fatalf("waited for %q in %q", text, c.seen)
		}
	}
}

// enter types one line and the Enter key, and expects the answer, a whole line of output. The editor writes
// the prompt again with each key, and a line feed only when it is done.
func (c *conversation) enter(text, answer string) {
	c.t.Helper()
	c.send(text + enter)
	if answer != "" {
		c.expect("\n" + answer + "\r")
	}
	c.expect("\n")
	c.expect(">>> ")
}

// more types one line that does not end the statement, and waits until the editor has gone to the next one:
// keys that came before would count as pasted.
func (c *conversation) more(line string) {
	c.t.Helper()
	c.send(line + enter)
	c.expect(strings.TrimLeft(line, "\t") + "\r\r\n")
	c.expect("... ")
}

func (c *conversation) send(text string) {
	c.t.Helper()
	if _, err := c.terminal.WriteString(text); err != nil {
		c.t.Fatal(err)
	}
}

// leave types text, after which the command must end with code.
func (c *conversation) leave(text string, code int) {
	c.t.Helper()
	c.send(text)
	err := c.command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || c.command.ProcessState.ExitCode() != code {
		c.t.Fatalf("%v, want exit code %d", err, code)
	}
}

func TestInteractive(t *testing.T) {
	c := converse(t, t.TempDir())
	c.enter("6 * 7", "42")
	c.enter("_ + 1", "43")
	c.enter("x = [1, 2]", "")
	c.enter("x * 2", "[1, 2, 1, 2]")
	c.enter("result = 'mine'", "")
	c.enter("1/0", "ZeroDivisionError: division by zero")
	c.enter("result", "'mine'")
	c.enter("def f(:", "SyntaxError: invalid syntax")
	c.enter("print('no newline', end='')", "no newline")
	c.enter("import asyncio", "")
	c.enter("await asyncio.sleep(0, 'awaited')", "'awaited'")
	c.enter("__import__('sys').argv", "['']")
	c.leave(ctrlD, 0)
}

func TestInteractiveArguments(t *testing.T) {
	c := converse(t, t.TempDir(), "--env", "A=b", "-", "x", "--y")
	c.enter("import os, sys", "")
	c.enter("sys.argv, os.environ['A']", "(['-', 'x', '--y'], 'b')")
	c.leave("exit(3)"+enter, 3)
}

func TestInteractiveSeveralLines(t *testing.T) {
	c := converse(t, t.TempDir())
	c.more("for i in range(2):")
	c.more("for j in 'ab':") // is indented
	c.more("print(i, j)")
	c.send(enter)
	c.expect("0 a\r\n0 b\r\n1 a\r\n1 b\r\n>>> ")
	c.more("max(1,")
	c.enter("    2)", "2")
	c.more("'''text")
	c.enter("more'''", `'text\nmore'`)
	c.leave("raise SystemExit(5)"+enter, 5)
}

func TestInteractiveIndent(t *testing.T) {
	c := converse(t, t.TempDir())
	c.more("if 0:")
	c.more("pass") // ends its block
	c.more("else:")
	c.more("print('in' + 'dented')")
	c.send(enter)
	c.expect("indented\r\n>>> ")
	c.more("if 1:")
	c.send("\x7f") // Backspace takes away a level
	c.send("print()" + enter)
	c.expect("IndentationError")
	c.expect("\n>>> ")
	c.more("if 1:")
	c.more("if 1:")
	c.send("\x7f")
	c.more("\tprint('same' + 'level')") // and Tab writes one
	c.send(enter)
	c.expect("samelevel\r\n>>> ")
	c.leave(ctrlD, 0)
}

// What is pasted arrives in brackets, and may be several statements.
func TestInteractivePaste(t *testing.T) {
	c := converse(t, t.TempDir())
	c.send("\x1b[200~a = 20\ndef f(x):\n    return x + 1\nf(a) * 2\x1b[201~")
	c.expect("f(a) * 2")
	c.enter("", "42")
	c.leave(ctrlD, 0)
}

func TestInteractiveInterrupt(t *testing.T) {
	c := converse(t, t.TempDir())
	c.enter("x = 'kept'", "")
	c.send("print('never'" + ctrlC)
	c.expect("KeyboardInterrupt\r\n>>> ")
	c.enter("x", "'kept'")
	for _, code := range []string{
		"sum(0 for _ in iter(int, 1))", // for ever
		"__import__('time').sleep(99)",
		"await __import__('asyncio').sleep(99)",
		"input()",
	} {
		c.send("print('beg' + 'un'); " + code + enter)
		c.expect("begun\r\n")
		c.send(ctrlC)
		c.expect("KeyboardInterrupt\r\n>>> ")
		c.enter("x", "'kept'")
	}
	c.leave(ctrlD, 0)
}

// Who swallows the interrupt is stopped by force; the prompt comes back with a fresh interpreter.
func TestInteractiveForce(t *testing.T) {
	c := converse(t, t.TempDir())
	c.enter("x = 1", "")
	c.send("\x1b[200~while True:\n  try:\n    print('beg' + 'un')\n    while True: pass\n  except BaseException: pass\n\x1b[201~" + enter)
	c.expect("begun\r\n")
	c.send(ctrlC)
	c.expect("variables and imports are gone\r\n>>> ")
	c.enter("x", "NameError: name 'x' is not defined")
	c.enter("7 * 6", "42")
	c.leave(ctrlD, 0)
}

func TestInteractiveTimeout(t *testing.T) {
	c := converse(t, t.TempDir(), "--timeout", "0.3")
	c.enter("x = 1", "")
	c.send("while True: pass" + enter + enter)
	c.expect("(--timeout); do less at once, or ask for more time\r\n>>> ")
	c.enter("x", "1")
	c.leave(ctrlD, 0)
}

func TestInteractiveInput(t *testing.T) {
	c := converse(t, t.TempDir())
	c.send("name = input('who? ')" + enter)
	c.expect("\nwho? ")
	c.send("me" + enter)
	c.expect("\n")
	c.expect(">>> ")
	c.enter("name", "'me'")
	c.leave(ctrlD, 0)
}

func TestInteractiveHistory(t *testing.T) {
	state := t.TempDir()
	c := converse(t, state)
	c.enter("11 * 11", "121")
	c.send("for i in 'ab':" + enter + "  print(i * 3)" + enter + enter)
	c.expect("aaa\r\nbbb\r\n>>> ")
	c.send(up)
	c.expect("print(i * 3)")
	c.send(ctrlC)
	c.expect("KeyboardInterrupt\r\n>>> ")
	c.leave(ctrlD, 0)

	c = converse(t, state)
	c.send(up + up)
	c.expect("11 * 11")
	c.enter("", "121")
	c.leave(ctrlD, 0)

	info, err := os.Stat(filepath.Join(state, "eryx", "history"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v: want a history that only its owner reads", info, err)
	}
}

// What a script writes to a terminal is shown and not obeyed, be it output or the text of an error.
func TestTerminalIsSafe(t *testing.T) {
	c := onTerminal(t, t.TempDir(), "-c", "print(chr(27) + ']52;c;AAAA' + chr(7))\nraise ValueError(chr(27) + '[6n')")
	c.expect("␛]52;c;AAAA\a\r\n")
	c.expect("ValueError: ␛[6n\r\n")
	c.leave("", 1)

	c = converse(t, t.TempDir())
	c.enter("print(chr(27) + '[6n')", "␛[6n")
	c.enter("raise ValueError(chr(27) + 'P')", "ValueError: ␛P")
	c.leave(ctrlD, 0)
}

// A script on a terminal reads from it.
func TestTerminalInput(t *testing.T) {
	c := onTerminal(t, t.TempDir(), "-c", "print('hello', input('who? '))")
	c.expect("who? ")
	c.send("me" + enter)
	c.expect("hello me\r\n")
	c.leave("", 0)

	c = onTerminal(t, t.TempDir(), "-c", "try: input('who? ')\nfinally: print('cleaned up')")
	c.expect("who? ")
	c.send(ctrlC)
	c.expect("cleaned up\r\n")
	c.leave("", exitInterrupted)

	c = onTerminal(t, t.TempDir(), "-c", "input('who? ')")
	c.expect("who? ")
	c.send(ctrlD)
	c.expect("EOFError: EOF when reading a line\r\n")
	c.leave("", 1)
}

func TestInteractiveWithoutHistory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	c := onTerminal(t, file)
	c.expect("eryx: warning: the history is not kept: mkdir " + file + ": not a directory\r\n")
	c.expect(">>> ")
	c.enter("6 * 7", "42")
	c.leave(ctrlD, 0)
}
