package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// python is a package named eryx, pyeryx or our own, that bench/peer/measure.py --serve measures in a process of its
// own. The process is started when it is needed, and killed when it does not answer in time.
type python struct {
	interpreter string
	root        string
	args        []string // of the interpreter
	env         []string // beside ours
	about       about

	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// about is the first line that measure.py writes.
type about struct {
	Version string `json:"version"`
	File    string `json:"file"`
	Python  string `json:"python"`
}

func measureArgs(o options) []string {
	return []string{filepath.Join(o.root, "bench/peer/measure.py"), "--serve"}
}

// startPeer starts pyeryx; nil when the options want none.
func startPeer(o options) (*python, error) {
	if o.python == "" {
		return nil, nil
	}
	p := &python{interpreter: o.python, root: o.root, args: measureArgs(o)}
	if err := p.start(); err != nil {
		return nil, err
	}
	if strings.HasPrefix(p.about.File, filepath.Join(o.root, "bindings")) {
		p.close()
		return nil, errors.New("the peer is our own package: unset PYTHONPATH")
	}
	return p, nil
}

// startBinding starts our package with the peer's interpreter; nil when there is none.
func startBinding(o options) (*python, error) {
	if o.python == "" {
		return nil, nil
	}
	p := &python{interpreter: o.python, root: o.root, args: measureArgs(o), env: []string{
		"PYTHONPATH=" + filepath.Join(o.root, "bindings/python"), "ERYX_LIBRARY=" + o.library,
		"PYTHONDONTWRITEBYTECODE=", // an installed package, as the peer's, has its bytecode
	}}
	if err := p.start(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(p.about.File, filepath.Join(o.root, "bindings")) {
		p.close()
		return nil, fmt.Errorf("our package is not our own but %s", p.about.File)
	}
	return p, nil
}

func (p *python) start() error {
	if _, err := exec.LookPath(p.interpreter); err != nil {
		return fmt.Errorf("no interpreter at %s: run python3 bench/peer/make_venv.py first, or give -peer-python ''", p.interpreter)
	}
	process := exec.Command(p.interpreter, p.args...)
	process.Env = append(os.Environ(), p.env...)
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	if err := process.Start(); err != nil {
		return err
	}
	p.process, p.in, p.out = process, in, bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<20)
	if err := p.read(&p.about); err != nil {
		p.close()
		return fmt.Errorf("start %s: %w", p.interpreter, err)
	}
	return nil
}

// take asks for samples of a metric.
func (p *python) take(metric string, count int) ([]float64, error) {
	if p.process == nil {
		if err := p.start(); err != nil {
			return nil, err
		}
	}
	request, err := json.Marshal(map[string]any{"metric": metric, "count": count})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Samples []float64 `json:"samples"`
		Error   string    `json:"error"`
	}
	if _, err = p.in.Write(append(request, '\n')); err == nil {
		err = p.read(&answer)
	}
	if err != nil { // the process has ended, or what it says next belongs to another question
		p.close()
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Samples, nil
}

// read reads one line of JSON, and kills the process when it does not come in childTime.
func (p *python) read(v any) error {
	late := time.AfterFunc(childTime, func() { _ = p.process.Process.Kill() })
	ok := p.out.Scan()
	if !late.Stop() {
		return fmt.Errorf("no answer in %v", childTime)
	}
	if !ok {
		if err := p.out.Err(); err != nil {
			return err
		}
		return errors.New("the process ended")
	}
	return json.Unmarshal(p.out.Bytes(), v)
}

// close ends the process. On nil it does nothing.
func (p *python) close() {
	if p == nil || p.process == nil {
		return
	}
	_ = p.in.Close()
	late := time.AfterFunc(5*time.Second, func() { _ = p.process.Process.Kill() })
	_ = p.process.Wait()
	late.Stop()
	p.process = nil
}
