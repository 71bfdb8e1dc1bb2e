package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"github.com/reeflective/readline"
)

var errInterrupted = errors.New("interrupted")

// editor edits statements of several lines on the terminal, and remembers them.
type editor struct{ shell *readline.Shell }

// newEditor makes an editor in which Enter ends a statement when complete says so.
func newEditor(complete func(source string) bool) *editor {
	shell := readline.NewShell()
	// Terminals that do not answer the question for the cursor's place would make it wait.
	_ = shell.Config.Set("cursor-position-probe", false)
	_ = shell.Config.Set("multiline-column", true) // shows the secondary prompt
	shell.Prompt.Primary(func() string { return primaryPrompt })
	shell.Prompt.Secondary(func() string { return secondaryPrompt })
	shell.AcceptMultiline = func(line []rune) bool { return complete(string(line)) }
	indentLines(shell, complete)
	if file, err := historyFile(); err != nil {
		say("warning: the history is not kept: %v", err)
	} else {
		shell.History.Delete()
		shell.History.AddFromFile("eryx", file)
	}
	return &editor{shell}
}

// read returns the next statement, io.EOF when the user leaves, errInterrupted after Ctrl-C.
func (e *editor) read() (string, error) {
	source, err := e.shell.Readline()
	if errors.Is(err, readline.ErrInterrupt) {
		return "", errInterrupted
	}
	return source, err
}

// historyFile is where the history is kept; its folder exists when there is no error.
func historyFile() (string, error) {
	dir, err := stateDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "eryx")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return filepath.Join(dir, "history"), nil
}

// stateDir is the user's folder for what programs remember.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return os.UserConfigDir()
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state"), nil
}
