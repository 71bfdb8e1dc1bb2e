package ops

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wire"
)

// client is the other side: it submits requests, and answers calls by functions of its own.
type client struct {
	t       testing.TB
	service *Service
	mu      sync.Mutex
	done    map[uint64]chan []any
	early   map[uint64][]any // "done" events that came before they were waited for
	events  [][]any
	answer  func(c *client, call uint64, name string, args map[string]any)
}

func newClient(t testing.TB, s *Service) *client {
	return &client{t: t, service: s, done: map[uint64]chan []any{}, early: map[uint64][]any{}}
}

func (c *client) Emit(event []byte) {
	value, err := wire.Decode(event)
	if err != nil {
		c.t.Errorf("an event that is no message: %v", err)
		return
	}
	fields := value.([]any)
	c.mu.Lock()
	c.events = append(c.events, fields)
	c.mu.Unlock()
	id := uint64(fields[1].(int64))
	switch fields[0] {
	case "done":
		c.mu.Lock()
		defer c.mu.Unlock()
		if waiting := c.done[id]; waiting != nil {
			waiting <- fields
		} else {
			c.early[id] = fields
		}
	case "call":
		if c.answer != nil {
			go c.answer(c, uint64(fields[2].(int64)), fields[3].(string), fields[4].(map[string]any))
		}
	}
}

func (c *client) Wait(context.Context) {}

// submit begins an operation.
func (c *client) submit(op string, fields map[string]any) uint64 {
	message := map[string]any{"op": op}
	for k, v := range fields {
		message[k] = v
	}
	encoded, err := wire.Encode(message)
	if err != nil {
		c.t.Fatal(err)
	}
	value, err := wire.Decode(encoded)
	if err != nil {
		c.t.Fatal(err)
	}
	id := c.service.Submit(value.(map[string]any), c)
	if id == 0 {
		c.t.Fatal("the service is closed")
	}
	return id
}

// wait is the value and the error of a request.
func (c *client) wait(id uint64) (value, failure map[string]any) {
	c.t.Helper()
	c.mu.Lock()
	fields := c.early[id]
	waiting := make(chan []any, 1)
	c.done[id] = waiting
	c.mu.Unlock()
	if fields == nil {
		select {
		case fields = <-waiting:
		case <-time.After(30 * time.Second):
			c.t.Fatal("no answer in 30 s")
		}
	}
	value, _ = fields[2].(map[string]any)
	failure, _ = fields[3].(map[string]any)
	return value, failure
}

func (c *client) do(op string, fields map[string]any) (value, failure map[string]any) {
	c.t.Helper()
	return c.wait(c.submit(op, fields))
}

// must is do that may not fail.
func (c *client) must(op string, fields map[string]any) map[string]any {
	c.t.Helper()
	value, failure := c.do(op, fields)
	if failure != nil {
		c.t.Fatalf("%s: %v", op, failure)
	}
	return value
}

func (c *client) complete(answers ...[]any) {
	list := make([]any, len(answers))
	for i := range answers {
		list[i] = answers[i]
	}
	message, err := wire.Encode(list)
	if err == nil {
		err = c.service.Complete(message)
	}
	if err != nil {
		c.t.Errorf("complete: %v", err)
	}
}

// count is how many events of a kind there were.
func (c *client) count(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, e := range c.events {
		if e[0] == kind {
			n++
		}
	}
	return n
}

// hostFunctions answers calls as the ten host functions of tests/vectors do.
func hostFunctions() func(c *client, call uint64, name string, args map[string]any) {
	var mu sync.Mutex
	counter := int64(0)
	return func(c *client, call uint64, name string, args map[string]any) {
		if name == "never" {
			return
		}
		if name == "counter" {
			mu.Lock()
			counter++
			value := counter
			mu.Unlock()
			c.complete([]any{call, 0, value})
			return
		}
		value, err := hostFunction(name, args)
		if err != nil {
			c.complete([]any{call, 1, "callback", err.Error()})
			return
		}
		c.complete([]any{call, 0, value})
	}
}

func hostFunction(name string, args map[string]any) (any, error) {
	switch name {
	case "add":
		return args["a"].(int64) + args["b"].(int64), nil
	case "echo":
		return args["value"], nil
	case "concat":
		var parts []string
		for _, p := range args["parts"].([]any) {
			parts = append(parts, p.(string))
		}
		separator, _ := args["separator"].(string)
		return strings.Join(parts, separator), nil
	case "sleep_ms":
		time.Sleep(time.Duration(args["ms"].(int64)) * time.Millisecond)
		return args["ms"], nil
	case "fail":
		return nil, errors.New(args["message"].(string))
	case "get_list":
		list := make([]int64, args["n"].(int64))
		for i := range list {
			list[i] = int64(i)
		}
		return list, nil
	case "big_int":
		return new(big.Int).Lsh(big.NewInt(1), uint(args["bits"].(int64))), nil
	case "bytes_back":
		data := slices.Clone(args["data"].([]byte))
		slices.Reverse(data)
		return data, nil
	}
	return nil, fmt.Errorf("no host function %q", name)
}

var sharedService = sync.OnceValue(func() *Service { return NewService(core.RuntimeConfig{}, "test") })
