package ops

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/eryx-go/eryx/core/wire"
)

const vectorsDir = "../../tests/vectors"

type vectorCase struct {
	Config    map[string]any
	Callbacks []string
	Session   bool
	Refused   map[string]any
	Steps     []map[string]any
}

type vectorIndex struct {
	CaseCount     int `json:"case_count"`
	HostFunctions map[string]struct {
		Schema json.RawMessage
	} `json:"host_functions"`
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestVectors runs the cases that every language runs, by operations and messages.
func TestVectors(t *testing.T) {
	var index vectorIndex
	readJSON(t, filepath.Join(vectorsDir, "index.json"), &index)
	paths, err := filepath.Glob(filepath.Join(vectorsDir, "cases", "*.json"))
	if err != nil || len(paths) != index.CaseCount {
		t.Fatalf("%d cases, want %d (%v)", len(paths), index.CaseCount, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			var c vectorCase
			readJSON(t, path, &c)
			source, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".py")
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(strings.TrimRight(string(source), "\n"), "\n# --- next ---\n")
			if len(source) == 0 {
				parts = nil
			}
			r := &vectorRunner{t: t, client: newClient(t, sharedService()), index: index, c: c, parts: parts, kind: "sandbox"}
			r.client.answer = hostFunctions()
			if c.Session {
				r.kind = "session"
			}
			if c.Refused != nil {
				_, failure := r.client.do(r.kind+".new", map[string]any{"config": r.config()})
				r.compare(map[string]any{"error": c.Refused}, nil, failure)
				return
			}
			r.open()
			for _, step := range c.Steps {
				r.step(step)
			}
			if len(r.parts) != 0 {
				t.Errorf("%d parts of the program were not run", len(r.parts))
			}
			r.client.must(r.kind+".close", r.target())
		})
	}
}

type vectorRunner struct {
	t      *testing.T
	client *client
	index  vectorIndex
	c      vectorCase
	parts  []string
	kind   string
	id     any
}

// config is the configuration of the case, with its host functions.
func (r *vectorRunner) config() map[string]any {
	config := maps.Clone(r.c.Config)
	if config == nil {
		config = map[string]any{}
	}
	config["callbacks"] = r.callbacks(r.c.Callbacks)
	if given, ok := config["libraries"].([]any); ok {
		var libraries []any
		for _, library := range given {
			library := maps.Clone(library.(map[string]any))
			names, _ := library["callbacks"].([]any)
			var texts []string
			for _, name := range names {
				texts = append(texts, name.(string))
			}
			library["callbacks"] = r.callbacks(texts)
			libraries = append(libraries, library)
		}
		config["libraries"] = libraries
	}
	return config
}

// callbacks announces host functions of the index.
func (r *vectorRunner) callbacks(names []string) []any {
	var callbacks []any
	for _, name := range names {
		callbacks = append(callbacks, map[string]any{"name": name, "schema": string(r.index.HostFunctions[name].Schema)})
	}
	return callbacks
}

// open makes the sandbox or session of the case.
func (r *vectorRunner) open() {
	r.id = r.client.must(r.kind+".new", map[string]any{"config": r.config()})[r.kind]
}

func (r *vectorRunner) target() map[string]any { return map[string]any{r.kind: r.id} }

func (r *vectorRunner) step(step map[string]any) {
	r.t.Helper()
	op, _ := step["op"].(string)
	fields := r.target()
	switch op {
	case "execute":
		fields["code"] = r.parts[0] + "\n"
		r.parts = r.parts[1:]
	case "snapshot_and_restore_in_new":
		snapshot := r.client.must("session.snapshot_state", fields)["snapshot"]
		r.client.must("session.close", fields)
		r.open()
		r.client.must("session.restore_state", map[string]any{"session": r.id, "snapshot": snapshot})
		return
	case "fork_and_use_copy":
		child := r.client.must("session.fork", fields)["session"]
		r.client.must("session.close", fields)
		r.id = child
		return
	default:
		for _, name := range []string{"name", "args", "kwargs", "value"} {
			if v, ok := step[name]; ok {
				fields[name] = v
			}
		}
	}
	value, failure := r.client.do(r.kind+"."+op, fields)
	expect, _ := step["expect"].(map[string]any)
	r.compare(expect, value, failure)
}

func (r *vectorRunner) compare(expect, value, failure map[string]any) {
	r.t.Helper()
	wanted, _ := expect["error"].(map[string]any)
	if wanted == nil && failure != nil {
		r.t.Fatalf("error %v", failure)
	}
	if wanted != nil && failure == nil {
		r.t.Fatalf("no error, want %v", wanted)
	}
	python, _ := failure["python"].(map[string]any)
	for key, want := range wanted {
		got := failure[key]
		if inner, ok := python[key]; ok {
			got = inner
		}
		if !matches(want, got) {
			r.t.Errorf("error's %s is %v, want %v", key, got, want)
		}
	}
	for key, want := range expect {
		if key == "error" {
			continue
		}
		if got := resultField(r.t, value, key); !matches(want, got) {
			r.t.Errorf("%s is %#v, want %v", key, got, want)
		}
	}
}

func resultField(t *testing.T, value map[string]any, key string) any {
	switch key {
	case "stdout", "stderr":
		return string(value[key].([]byte))
	case "result":
		var v any
		d := json.NewDecoder(strings.NewReader(value["result_json"].(string)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return value[key]
}

// matches reports whether got is what a matcher wants.
func matches(want, got any) bool {
	if m, ok := want.(map[string]any); ok {
		if v, ok := m["contains"]; ok {
			s, isText := got.(string)
			return isText && strings.Contains(s, v.(string))
		}
		if v, ok := m["matches"]; ok {
			s, isText := got.(string)
			return isText && regexp.MustCompile(v.(string)).MatchString(s)
		}
		if v, ok := m["between"].([]any); ok {
			least, _ := v[0].(json.Number).Float64()
			most, _ := v[1].(json.Number).Float64()
			number, isNumber := got.(float64)
			return isNumber && least <= number && number <= most
		}
		if v, ok := m["bytes"]; ok {
			b, _ := hex.DecodeString(v.(string))
			data, isBytes := got.([]byte)
			return isBytes && bytes.Equal(b, data)
		}
		if v, ok := m["list"].([]any); ok {
			list, isList := got.([]any)
			if !isList || len(list) != len(v) {
				return false
			}
			for i := range v {
				if !matches(v[i], list[i]) {
					return false
				}
			}
			return true
		}
	}
	return reflect.DeepEqual(plain(want), plain(got))
}

// plain is a value as messages have it, whatever it came from.
func plain(v any) any {
	b, err := wire.Encode(v)
	if err != nil {
		return err
	}
	decoded, err := wire.Decode(b)
	if err != nil {
		return err
	}
	return decoded
}
