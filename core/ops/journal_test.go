package ops

import (
	"fmt"
	"strings"
	"testing"
)

// TestJournal: a program is suspended, and goes on with the journal that it left.
func TestJournal(t *testing.T) {
	c := newClient(t, sharedService())
	approved := false
	c.answer = func(c *client, call uint64, name string, args map[string]any) {
		reply := []any{call, 0, args["x"]}
		if name == "ask" && !approved {
			reply = []any{call, 3, "please"}
		}
		c.complete(reply)
	}
	callbacks := []any{map[string]any{"name": "echo"}, map[string]any{"name": "ask"}}
	session := c.must("session.new", map[string]any{"config": map[string]any{"callbacks": callbacks}})["session"]
	run := func(journal any) (map[string]any, map[string]any) {
		return c.do("session.execute", map[string]any{"session": session, "journal": journal, "code": "print(await echo(x=b'1'), await ask(x=2))"})
	}
	result, failure := run("")
	if failure["code"] != "suspended" || failure["message"] != "execution suspended: please" || failure["killed"] != nil {
		t.Fatalf("%v", failure)
	}
	if s, _ := result["suspended"].([]any); len(s) != 3 || s[0] != "ask" || s[1] != `{"x":2}` || s[2] != "please" {
		t.Errorf("%v", result)
	}
	journal, _ := result["journal"].(string)
	if !strings.Contains(journal, `"args_json":"{\"x\":{\"$eryx\":\"bytes\",\"base64\":\"MQ==\"}}"`) || strings.Contains(journal, `"index":1`) {
		t.Errorf("%s", journal)
	}
	approved = true
	result, failure = run(journal)
	if failure != nil || string(result["stdout"].([]byte)) != "b'1' 2\n" || result["replayed_callbacks"] != int64(1) {
		t.Errorf("%v %v", result, failure)
	}
	if _, failure = run("{}"); failure["code"] != "invalid" {
		t.Errorf("%v", failure)
	}
}

// TestTraceEvents: one execution is traced, live and in its result.
func TestTraceEvents(t *testing.T) {
	c := newClient(t, sharedService())
	session := c.must("session.new", nil)["session"]
	result := c.must("session.execute", map[string]any{"session": session, "code": "x = 1\n", "trace": true, "trace_events": true})
	var live []any
	for _, e := range c.events {
		if e[0] == "trace" {
			live = append(live, e[2].([]any)...)
		}
	}
	want := "[[call <user> <module> 0] [line <user> <module> 1] [return <user> <module> 1]]"
	if fmt.Sprint(live) != want || fmt.Sprint(result["trace"]) != want {
		t.Errorf("live %v, collected %v", live, result["trace"])
	}
	if result = c.must("session.execute", map[string]any{"session": session, "code": "x = 1\n"}); result["trace"] != nil {
		t.Errorf("traced again: %v", result["trace"])
	}
}
