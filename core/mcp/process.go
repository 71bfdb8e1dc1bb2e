package mcp

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	closePatience = time.Second      // from the end of a server's input to a polite signal, and from that to the kill
	writePatience = 20 * time.Second // how long a server may leave its input unread
	tailBytes     = 2 << 10          // of a server's standard error, for messages
)

// process is a running MCP server: what it reads and writes are the protocol.
type process struct {
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File
	stderr tail
	heard  chan struct{} // closed when its standard error has ended
	closed sync.Once
	done   chan struct{} // closed when the process, and what it had started, have ended
	err    error         // how it ended; after done
}

// startProcess starts the command of c.
func startProcess(c ServerConfig) (*process, error) {
	p := &process{cmd: exec.Command(c.Command, c.Args...), heard: make(chan struct{}), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = c.Dir, c.environment()
	if strings.ContainsRune(c.Command, 0) || c.Command == "" {
		return nil, invalid("MCP server %q has no command", c.Name)
	}
	if _, err := os.Stat(c.Dir); c.Dir != "" && err != nil {
		return nil, err // else it would seem to be the command that is not there
	}
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stdout, childOut, err := os.Pipe()
	if err != nil {
		closeAll(childIn, stdin)
		return nil, err
	}
	stderr, childErr, err := os.Pipe()
	if err != nil {
		closeAll(childIn, stdin, stdout, childOut)
		return nil, err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = childIn, childOut, childErr
	p.stdin, p.stdout = stdin, stdout
	err = startChild(p.cmd)
	closeAll(childIn, childOut, childErr)
	if err != nil {
		closeAll(stdin, stdout, stderr)
		return nil, err
	}
	go func() {
		_, _ = io.Copy(&p.stderr, stderr)
		_ = stderr.Close()
		close(p.heard)
	}()
	go p.reap()
	return p, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// reap waits for the process's end.
func (p *process) reap() {
	p.err = waitGroup(p.cmd)
	// What it has written can still be read. Only a process that has left the group may keep the pipe open.
	_ = p.stdout.SetReadDeadline(time.Now().Add(closePatience))
	close(p.done)
}

// Read implements io.Reader.
func (p *process) Read(b []byte) (int, error) { return p.stdout.Read(b) }

// Write implements io.Writer. A server that does not read what it is sent is an error.
func (p *process) Write(b []byte) (int, error) {
	_ = p.stdin.SetWriteDeadline(time.Now().Add(writePatience))
	return p.stdin.Write(b)
}

// Close ends the process: by the end of its input, by a signal, by force.
func (p *process) Close() error {
	p.closed.Do(func() {
		_ = p.stdin.Close()
		if !p.endsWithin(closePatience) {
			terminateGroup(p.cmd)
			if !p.endsWithin(closePatience) {
				killGroup(p.cmd)
			}
		}
		<-p.done
		_ = p.stdout.Close()
	})
	return nil
}

func (p *process) endsWithin(patience time.Duration) bool { return within(p.done, patience) }

// within waits for the end that a channel tells, for at most patience.
func within(end <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-end:
		return true
	case <-timer.C:
		return false
	}
}

// fate is how the process ended, with the last of what it had to say; "" while it runs.
func (p *process) fate() string {
	if !p.endsWithin(closePatience) { // its output ends a moment before
		return ""
	}
	within(p.heard, closePatience) // not when another process has its standard error
	text := "exit status 0"
	if p.err != nil {
		text = p.err.Error()
	}
	if said := p.stderr.String(); said != "" {
		text += "; its last words: " + said
	}
	return text
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b[max(0, len(b)-tailBytes):]...)
	if extra := len(t.text) - tailBytes; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(b), nil
}

// String is the text that was kept, as one may print it.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.text), "\uFFFD"))
}
