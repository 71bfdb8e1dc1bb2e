package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// TestResultVariable has the semantics of the result variable, value by value.
func TestResultVariable(t *testing.T) {
	for _, c := range []struct{ code, json, jsonError string }{
		{"", "", ""},
		{"# nothing", "", ""},
		{"x = 1", "", ""},
		{"result = None", "null", ""},
		{"result = ''", `""`, ""},
		{"result = 0", "0", ""},
		{"result = False", "false", ""},
		{"result = []", "[]", ""},
		{"result = {'a': [1, 2.5, None, True, 'é\"\\\\']}", `{"a": [1, 2.5, null, true, "é\"\\"]}`, ""},
		{"result = (1, 2)", "[1, 2]", ""},
		{"result = {1: 2, None: 3}", `{"1": 2, "null": 3}`, ""},
		{"result = 2**200", "1606938044258990275541962092341162602522202993782792835301376", ""},
		{"import asyncio\nawait asyncio.sleep(0)\nresult = 7", "7", ""},
		{"result = b'x'", "", "result is not JSON-serializable: bytes (TypeError)"},
		{"result = {1}", "", "result is not JSON-serializable: set (TypeError)"},
		{"result = {(1, 2): 3}", "", "result is not JSON-serializable: dict (TypeError)"},
		{"result = float('nan')", "", "result is not JSON-serializable: float (ValueError)"},
		{"result = [float('inf')]", "", "result is not JSON-serializable: list (ValueError)"},
		{"result = []\nresult.append(result)", "", "result is not JSON-serializable: list (ValueError)"},
		{"result = lambda: 1", "", "result is not JSON-serializable: function (TypeError)"},
	} {
		r := execute(t, newSession(t, core.Config{}), c.code)
		if string(r.JSON) != c.json || r.JSONError != c.jsonError || (r.JSON == nil) != (c.json == "") {
			t.Errorf("%q gave %q, %q, want %q, %q", c.code, r.JSON, r.JSONError, c.json, c.jsonError)
		}
	}
}

func TestResultVariableIsConsumed(t *testing.T) {
	s := newSession(t, core.Config{})
	if r := execute(t, s, "result = 1"); string(r.JSON) != "1" {
		t.Errorf("got %q", r.JSON)
	}
	if r := execute(t, s, "print('result' in globals())"); r.JSON != nil || string(r.Stdout) != "False\n" {
		t.Errorf("the variable is still there: %q, %q", r.JSON, r.Stdout)
	}
	r, err := s.Execute(t.Context(), "result = 1\n1 / 0")
	if err == nil || r.JSON != nil {
		t.Errorf("a failed program has the result %q", r.JSON)
	}
	if r := execute(t, s, "pass"); r.JSON != nil {
		t.Errorf("a failed program's variable came out of the next one: %q", r.JSON)
	}
}

func TestResultVariableNameIsData(t *testing.T) {
	s := newSession(t, core.Config{ResultVariable: "answer'] = 1; import os #"})
	r := execute(t, s, "globals()[\"answer'] = 1; import os #\"] = 42\nresult = 1")
	if string(r.JSON) != "42" {
		t.Errorf("got %q", r.JSON)
	}
}

// TestResultIsComplete has what is told beside each kind of outcome.
func TestResultIsComplete(t *testing.T) {
	add := core.Callback{Name: "add", Func: func(context.Context, map[string]any) (any, error) { return 1, nil }}
	const prefix = "import sys\nprint('out')\nprint('err', file=sys.stderr)\nawait add()\n"
	for name, c := range map[string]struct {
		code  string
		want  core.Code
		limit core.Limits
	}{
		"success":   {"result = 1", "", core.Limits{}},
		"exception": {"1 / 0", core.CodePython, core.Limits{}},
		"syntax":    {"exec('(')", core.CodePython, core.Limits{}},
		"exit":      {"sys.exit(4)", core.CodeExit, core.Limits{}},
		"_exit":     {"import os\nos._exit(4)", core.CodeExit, core.Limits{}},
		"timeout":   {"while True: pass", core.CodeTimeout, core.Limits{ExecutionTimeout: 300 * time.Millisecond}},
		"killed":    {"while True:\n    try:\n        while True: pass\n    except BaseException: pass", core.CodeTimeout, core.Limits{ExecutionTimeout: 300 * time.Millisecond, GracePeriod: time.Millisecond}},
		"fuel":      {"while True: pass", core.CodeLimit, core.Limits{MaxFuel: 2_000_000}},
		"memory":    {"'a' * 10**9", core.CodePython, core.Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			sandbox, err := testRuntime(t).NewSandbox(core.Config{Callbacks: []core.Callback{add}})
			if err != nil {
				t.Fatal(err)
			}
			r, err := sandbox.Execute(t.Context(), prefix+c.code, core.WithLimits(c.limit))
			if core.ErrorCode(err) != c.want {
				t.Fatalf("ended with %v, want %q", err, c.want)
			}
			if string(r.Stdout) != "out\n" || string(r.Stderr) != "err\n" {
				t.Errorf("output %q, %q", r.Stdout, r.Stderr)
			}
			if r.Duration <= 0 || r.FuelConsumed <= 0 || r.PeakMemoryBytes <= 0 {
				t.Errorf("figures: %v, %d fuel, %d bytes", r.Duration, r.FuelConsumed, r.PeakMemoryBytes)
			}
			if r.CallbackInvocations != 1 || len(r.Callbacks) != 1 || r.Callbacks[0].Name != "add" {
				t.Errorf("callbacks: %d, %v", r.CallbackInvocations, r.Callbacks)
			}
		})
	}
}

func TestErrorsAreWhatTheyAre(t *testing.T) {
	s := newSession(t, core.Config{})
	_, err := s.Execute(t.Context(), "def f():\n    import json\n    json.loads('x')\nf()")
	var e *core.Error
	if !errors.As(err, &e) || e.Python == nil || e.Python.Type != "json.decoder.JSONDecodeError" {
		t.Fatalf("got %v", err)
	}
	first := e.Python.Frames[0]
	if first.File != "<user>" || first.Line != 4 || first.Source != "f()" {
		t.Errorf("the first frame is %+v", first)
	}
	for _, f := range e.Python.Frames {
		if f.File != "<user>" && f.Source != "" {
			t.Errorf("a source line that is not the program's: %+v", f)
		}
	}
}
