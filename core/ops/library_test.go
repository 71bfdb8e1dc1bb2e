package ops

import (
	"strings"
	"testing"
)

// libraryMessage is a library with all that one may have.
func libraryMessage() map[string]any {
	return map[string]any{
		"name":    "text",
		"modules": map[string]any{"tools.case": "def upper(s):\n    return s.upper()\n"},
		"stubs":   "# tools.case\ndef upper(s: str) -> str: ...",
		"callbacks": []any{
			map[string]any{"name": "text.echo", "schema": `{"type":"object","properties":{"value":{}},"required":["value"]}`},
		},
	}
}

const libraryProgram = "import tools.case\nprint(tools.case.upper(await text.echo('a')))"

// answerEcho answers text.echo.
func answerEcho(c *client, call uint64, name string, args map[string]any) {
	if name == "text.echo" {
		c.complete([]any{call, 0, args["value"]})
	}
}

// TestLibraries gives a library to everything that programs run in.
func TestLibraries(t *testing.T) {
	c := newClient(t, sharedService())
	c.answer = answerEcho
	config := map[string]any{"config": map[string]any{"libraries": []any{libraryMessage()}}}
	run := func(kind string, id any) {
		t.Helper()
		value := c.must(kind+".execute", map[string]any{kind: id, "code": libraryProgram})
		if out := string(value["stdout"].([]byte)); out != "A\n" {
			t.Errorf("%s: printed %q", kind, out)
		}
	}
	sandbox := c.must("sandbox.new", config)["sandbox"]
	run("sandbox", sandbox)
	stubs := c.must("sandbox.type_stubs", map[string]any{"sandbox": sandbox})["text"].(string)
	if !strings.Contains(stubs, "async def echo(self, value: Any)") || !strings.HasSuffix(stubs, "def upper(s: str) -> str: ...\n") {
		t.Errorf("stubs: %s", stubs)
	}
	session := c.must("session.new", config)["session"]
	run("session", session)
	c.must("session.set_callbacks", map[string]any{"session": session, "callbacks": []any{map[string]any{"name": "other"}}})
	run("session", session)
	run("session", c.must("session.fork", map[string]any{"session": session})["session"])
	pool := c.must("pool.new", config)["pool"]
	run("session", c.must("pool.acquire", map[string]any{"pool": pool})["session"])
	run("session", c.must("pool.acquire", map[string]any{"pool": pool, "config": map[string]any{"callbacks": []any{}}})["session"])
	c.must("pool.close", map[string]any{"pool": pool})
}

func TestLibrariesOfFactory(t *testing.T) {
	c := newClient(t, sharedService())
	c.answer = answerEcho
	factory := c.must("factory.new", map[string]any{"config": map[string]any{
		"libraries": []any{libraryMessage()}, "imports": []any{"tools.case"}, "setup_code": "x = await text.echo(value=3)",
	}})["factory"]
	sandbox := c.must("sandbox.new", map[string]any{"factory": factory})["sandbox"]
	value := c.must("sandbox.execute", map[string]any{"sandbox": sandbox, "code": "import tools.case\nprint(x, tools.case.upper('b'))"})
	if out := string(value["stdout"].([]byte)); out != "3 B\n" {
		t.Errorf("printed %q", out)
	}
	c.must("factory.close", map[string]any{"factory": factory})
}

func TestLibrariesRefused(t *testing.T) {
	c := newClient(t, sharedService())
	other := libraryMessage()
	other["name"] = "other"
	for name, with := range map[string]struct {
		libraries any
		says      string
	}{
		"two of one name": {[]any{libraryMessage(), other}, `is in library "other" and in library "text"`},
		"Python's own":    {[]any{map[string]any{"name": "a", "modules": map[string]any{"time": ""}}}, "Python's own"},
		"no name":         {[]any{map[string]any{"modules": map[string]any{"m": ""}}}, "library name"},
		"unknown field":   {[]any{map[string]any{"name": "a", "preamble": ""}}, `no field "preamble"`},
		"callback's":      {[]any{map[string]any{"name": "a", "callbacks": []any{map[string]any{"name": "f", "fn": 1}}}}, `no field "fn"`},
		"no list":         {map[string]any{"name": "a"}, "must be a list"},
		"no map":          {[]any{"a"}, "must be a list of maps"},
		"source":          {[]any{map[string]any{"name": "a", "modules": map[string]any{"m": []byte("")}}}, "must be text"},
		"modules":         {[]any{map[string]any{"name": "a", "modules": []any{"m"}}}, "must be a map"},
		"stubs":           {[]any{map[string]any{"name": "a", "stubs": 1}}, "must be text"},
	} {
		for _, op := range []string{"sandbox.new", "session.new", "pool.new", "factory.new"} {
			_, failure := c.do(op, map[string]any{"config": map[string]any{"libraries": with.libraries}})
			if failure == nil || failure["code"] != "invalid" || !strings.Contains(failure["message"].(string), with.says) {
				t.Errorf("%s: %s: %v", name, op, failure)
			}
		}
	}
	pool := c.must("pool.new", nil)["pool"]
	_, failure := c.do("pool.acquire", map[string]any{"pool": pool, "config": map[string]any{"libraries": []any{}}})
	if failure == nil || !strings.Contains(failure["message"].(string), `no field "libraries"`) {
		t.Errorf("a lease: %v", failure)
	}
	c.must("pool.close", map[string]any{"pool": pool})
}
