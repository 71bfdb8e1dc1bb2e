package ops

import (
	"math"
	"strings"
	"time"

	"github.com/eryx-go/eryx/core"
)

// fields reads a message. A field that is nil is missing; one of the wrong type is an error, kept until err is asked.
type fields struct{ m map[string]any }

func badField(name, want string, got any) error {
	return &core.Error{Code: core.CodeInvalid, Message: "field \"" + name + "\" must be " + want + ", not " + typeName(got)}
}

// typeName is a value's type in words.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "nil"
	case bool:
		return "a bool"
	case int64, uint64:
		return "an integer"
	case float64:
		return "a float"
	case string:
		return "text"
	case []byte:
		return "bytes"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return "that"
}

// get is a field of type T, its zero value when missing.
func get[T any](f fields, name, want string) (T, error) {
	var zero T
	v, ok := f.m[name]
	if !ok || v == nil {
		return zero, nil
	}
	t, ok := v.(T)
	if !ok {
		return zero, badField(name, want, v)
	}
	return t, nil
}

func (f fields) text(name string) (string, error)   { return get[string](f, name, "text") }
func (f fields) flag(name string) (bool, error)     { return get[bool](f, name, "a bool") }
func (f fields) integer(name string) (int64, error) { return get[int64](f, name, "an integer") }
func (f fields) list(name string) ([]any, error)    { return get[[]any](f, name, "a list") }

func (f fields) mapping(name string) (fields, error) {
	m, err := get[map[string]any](f, name, "a map")
	return fields{m}, err
}

// milliseconds is a duration given in milliseconds; -1 stays core.Unlimited.
func (f fields) milliseconds(name string) (time.Duration, error) {
	switch v := f.m[name].(type) {
	case nil:
		return 0, nil
	case int64:
		if v == core.Unlimited {
			return core.Unlimited, nil
		}
		if v < 0 || v > math.MaxInt64/int64(time.Millisecond) {
			return 0, badField(name, "milliseconds, at least 0", v)
		}
		return time.Duration(v) * time.Millisecond, nil
	case float64:
		if !(v >= 0 && v < math.MaxInt64/float64(time.Millisecond)) {
			return 0, badField(name, "milliseconds, at least 0", v)
		}
		return time.Duration(v * float64(time.Millisecond)), nil
	default:
		return 0, badField(name, "milliseconds", v)
	}
}

// texts is a list of texts.
func (f fields) texts(name string) ([]string, error) {
	list, err := f.list(name)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, badField(name, "a list of texts", v)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// textMap is a map of texts; nil when it is missing or empty.
func (f fields) textMap(name string) (map[string]string, error) {
	m, err := f.mapping(name)
	if err != nil {
		return nil, err
	}
	var texts map[string]string
	for key := range m.m {
		if texts == nil {
			texts = map[string]string{}
		}
		if texts[key], err = m.text(key); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// id is the handle that a field holds; 0 is none.
func (f fields) id(name string) (uint64, error) {
	v, err := f.integer(name)
	if err == nil && v <= 0 {
		err = badField(name, "an id", f.m[name])
	}
	return uint64(v), err
}

// only refuses fields that are not known: what a setting asks for must never be ignored.
func (f fields) only(what, names string) error {
	known := strings.Fields(names)
next:
	for name := range f.m {
		for _, k := range known {
			if k == name {
				continue next
			}
		}
		return &core.Error{Code: core.CodeInvalid, Message: what + " has no field \"" + name + "\" in this version"}
	}
	return nil
}

// each reads a list of maps, which have no fields but the known ones.
func (f fields) each(name, known string, read func(item fields) error) error {
	list, err := f.list(name)
	if err != nil {
		return err
	}
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return badField(name, "a list of maps", v)
		}
		item := fields{m}
		if err := item.only("an item of "+name, known); err != nil {
			return err
		}
		if err := read(item); err != nil {
			return err
		}
	}
	return nil
}
