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
)

// peer is a running bench/peer/measure.py --serve.
type peer struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	version peerVersion
}

// peerVersion is the first line that measure.py writes.
type peerVersion struct {
	Peer   string `json:"peer"`
	Python string `json:"python"`
}

// startPeer starts the peer; nil when the options want none.
func startPeer(o options) (*peer, error) {
	if o.python == "" {
		return nil, nil
	}
	if _, err := os.Stat(o.python); err != nil {
		return nil, fmt.Errorf("no peer at %s: run python3 bench/peer/make_venv.py first, or give -peer-python ''", o.python)
	}
	process := exec.Command(o.python, filepath.Join(o.root, "bench/peer/measure.py"), "--serve")
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	p := &peer{process: process, in: in, out: bufio.NewScanner(out)}
	p.out.Buffer(nil, 1<<20)
	if err := p.read(&p.version); err != nil {
		p.close()
		return nil, fmt.Errorf("start the peer: %w", err)
	}
	return p, nil
}

// take asks for samples of a metric.
func (p *peer) take(metric string, count int) ([]float64, error) {
	request, err := json.Marshal(map[string]any{"metric": metric, "count": count})
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(request, '\n')); err != nil {
		return nil, err
	}
	var answer struct {
		Samples []float64 `json:"samples"`
		Error   string    `json:"error"`
	}
	if err := p.read(&answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Samples, nil
}

func (p *peer) read(v any) error {
	if !p.out.Scan() {
		if err := p.out.Err(); err != nil {
			return err
		}
		return errors.New("the peer's process ended")
	}
	return json.Unmarshal(p.out.Bytes(), v)
}

// close ends the peer's process. On nil it does nothing.
func (p *peer) close() {
	if p == nil {
		return
	}
	p.in.Close()
	p.process.Wait()
}
