package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// runJSON runs code with --json and returns the object, which must be all that was printed.
func runJSON(t *testing.T, code int, arguments ...string) map[string]any {
	t.Helper()
	got := eryx(t, "", append([]string{"--json"}, arguments...)...)
	if got.code != code || got.stderr != "" || strings.Count(got.stdout, "\n") != 1 {
		t.Fatalf("exit code %d, want %d\nstdout %s\nstderr %s", got.code, code, got.stdout, got.stderr)
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(got.stdout), &object); err != nil {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	if object["exit_code"] != float64(code) {
		t.Fatalf("exit_code %v, want %d", object["exit_code"], code)
	}
	return object
}

func TestJSON(t *testing.T) {
	o := runJSON(t, 0, "-c", "import sys\nprint('<é>')\nprint('e', file=sys.stderr)\nresult = {'a': [1, None, 2.5]}")
	keys := slices.Sorted(maps.Keys(o))
	want := []string{"callback_invocations", "duration_ms", "error", "exit_code", "fuel_consumed", "peak_memory_bytes",
		"result", "stderr", "stderr_truncated", "stdout", "stdout_truncated"}
	if !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if o["stdout"] != "<é>\n" || o["stderr"] != "e\n" || o["error"] != nil || o["callback_invocations"] != 0.0 {
		t.Errorf("%v", o)
	}
	if result, _ := json.Marshal(o["result"]); string(result) != `{"a":[1,null,2.5]}` {
		t.Errorf("result %s", result)
	}
	for _, name := range []string{"duration_ms", "fuel_consumed", "peak_memory_bytes"} {
		if n, ok := o[name].(float64); !ok || n <= 0 {
			t.Errorf("%s is %v, want a number above 0", name, o[name])
		}
	}
}

func TestJSONWithoutResult(t *testing.T) {
	if o := runJSON(t, 0, "-c", "1"); o["result"] != nil {
		t.Errorf("result %v, want null", o["result"])
	}
	o := runJSON(t, 0, "-c", "result = object()")
	if text, _ := o["result_error"].(string); o["result"] != nil || text == "" {
		t.Errorf("result %v, result_error %q, want null and a reason", o["result"], text)
	}
}

func TestJSONErrors(t *testing.T) {
	for _, c := range []struct {
		code      string
		exit      int
		errorCode string
		limit     any
		kind      string
		message   string
	}{
		{"print('out')\nraise ValueError('no')", 1, "python", nil, "ValueError", "no"},
		{"print('out')\nimport sys\nsys.exit(9)", 9, "exit", nil, "", "the program exited with code 9"},
		{"print('out')\nwhile True: pass", 124, "timeout", "execution_timeout", "eryx.interrupt.ExecutionInterrupted", "the execution took longer than..."},
		{"print('out')\nx = 'x' * 10**9", 1, "python", "memory", "MemoryError", ""},
		{"print('out', end='\\n' + 'x' * 10**6)", 1, "limit", "output", "", "the execution wrote more than 1000 bytes..."},
	} {
		o := runJSON(t, c.exit, "--timeout", "0.3", "--max-output", "1000", "-c", c.code)
		if text, _ := o["stdout"].(string); !strings.HasPrefix(text, "out\n") {
			t.Errorf("%q: stdout %q", c.code, text)
		}
		e, _ := o["error"].(map[string]any)
		message, _ := e["message"].(string)
		traceback, _ := e["traceback"].(string)
		if e["code"] != c.errorCode || e["limit"] != c.limit || c.kind != "" && e["type"] != c.kind || !like(message, c.message) {
			t.Errorf("%q: error %v", c.code, e)
		}
		if (c.kind != "") != strings.HasPrefix(traceback, "Traceback (most recent call last):\n  File \"<string>\", line ") && c.errorCode != "limit" {
			t.Errorf("%q: traceback %q", c.code, traceback)
		}
		if truncated := c.limit == "output"; o["stdout_truncated"] != truncated {
			t.Errorf("%q: stdout_truncated %v", c.code, o["stdout_truncated"])
		}
	}
}

// What fails before the script starts is an object too.
func TestJSONWithoutSandbox(t *testing.T) {
	o := runJSON(t, exitUsage, "-v", "/no-such-folder:/x", "-c", "1")
	if e, _ := o["error"].(map[string]any); e["code"] != "invalid" {
		t.Errorf("error %v", e)
	}
	o = runJSON(t, exitFailed, "--max-memory", "1M", "-c", "1")
	if e, _ := o["error"].(map[string]any); e["code"] != "initialization" {
		t.Errorf("error %v", e)
	}
}
