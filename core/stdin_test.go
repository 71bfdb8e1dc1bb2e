package core_test

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

func sessionReading(t *testing.T, stdin io.Reader) *core.Session {
	t.Helper()
	return newSession(t, core.Config{Stdin: stdin})
}

func prints(t *testing.T, session *core.Session, program, want string) {
	t.Helper()
	if result, err := session.Execute(context.Background(), program); err != nil || string(result.Stdout) != want {
		t.Fatalf("%s: %q, %v, want %q", program, result.Stdout, err, want)
	}
}

func TestStdin(t *testing.T) {
	session := sessionReading(t, strings.NewReader("one\ntwo\nthree"))
	prints(t, session, "print(input('> '))", "> one\n")
	prints(t, session, "import sys; print(sys.stdin.read())", "two\nthree\n")
	prints(t, session, "print(repr(sys.stdin.read()))", "''\n")
	prints(t, sessionReading(t, nil), "import sys; print(repr(sys.stdin.read()))", "''\n")
}

// A program that waits for input is interrupted politely, and what arrives too late for it is kept.
func TestStdinInterrupted(t *testing.T) {
	reader, writer := io.Pipe()
	session := sessionReading(t, reader)
	result, err := session.Execute(context.Background(), "try: input()\nfinally: print('finally')", core.WithTimeout(50*time.Millisecond))
	if core.ErrorCode(err) != core.CodeTimeout || string(result.Stdout) != "finally\n" {
		t.Fatalf("%q, %v, want a polite timeout", result.Stdout, err)
	}
	go func() { _, _ = io.WriteString(writer, "late\n") }()
	prints(t, session, "print(input())", "late\n")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	prints(t, session, "import sys; print(repr(sys.stdin.read()))", "''\n")
}

// Swallowing the interrupt does not help.
func TestStdinKilled(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	session := sessionReading(t, reader)
	program := "while True:\n  try: input()\n  except BaseException: pass"
	_, err := session.Execute(context.Background(), program, core.WithTimeout(50*time.Millisecond))
	if core.ErrorCode(err) != core.CodeTimeout {
		t.Fatalf("%v, want a timeout", err)
	}
	if err := session.Reset(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(writer, "after\n") }()
	prints(t, session, "print(input())", "after\n")
}

// Of a reader with deadlines the read is taken back: its bytes stay for others.
func TestStdinAbandoned(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	session := sessionReading(t, reader)
	if _, err := session.Execute(context.Background(), "input()", core.WithTimeout(50*time.Millisecond)); core.ErrorCode(err) != core.CodeTimeout {
		t.Fatalf("%v, want a timeout", err)
	}
	if _, err := io.WriteString(writer, "mine\n"); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 5)
	if _, err := io.ReadFull(reader, buffer); err != nil || string(buffer) != "mine\n" {
		t.Fatalf("%q, %v", buffer, err)
	}
	if _, err := io.WriteString(writer, "its\n"); err != nil {
		t.Fatal(err)
	}
	prints(t, session, "print(input())", "its\n")
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, os.ErrClosed }

func TestStdinBroken(t *testing.T) {
	_, err := sessionReading(t, brokenReader{}).Execute(context.Background(), "input()")
	if err == nil || !strings.Contains(err.Error(), "OSError: [Errno 29] I/O error") {
		t.Fatalf("%v, want an OSError", err)
	}
}
