package core

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// TypedCallback makes a callback of a Go function whose arguments are a struct. The schema comes from the struct:
// names from the json tags, descriptions from the jsonschema tags, in the order of the fields; a field is required
// unless it is a pointer or its json tag says omitempty or omitzero, and None is accepted for those that are not.
// Arguments that do not fit are refused with the code "invalid_arguments" before f is called. The result may be a
// struct, too; it reaches the program as encoding/json would have it, and everything else as Callback says.
//
// It panics when no schema can be made of Args: that is a mistake of the program's text, not of its input.
func TypedCallback[Args, Result any](name, description string, f func(ctx context.Context, args Args) (Result, error)) Callback {
	schema, err := schemaOf(reflect.TypeFor[Args]())
	if err != nil {
		panic(fmt.Sprintf("core.TypedCallback %q: %v", name, err))
	}
	structured := hasStruct(reflect.TypeFor[Result](), map[reflect.Type]bool{})
	return Callback{
		Name: name, Description: description, Schema: schema.text,
		Func: func(ctx context.Context, args map[string]any) (any, error) {
			var typed Args
			if err := schema.decode(args, &typed); err != nil {
				return nil, err
			}
			result, err := f(ctx, typed)
			if err != nil || !structured {
				return result, err
			}
			return throughJSON(result)
		},
	}
}

// typedSchema is the schema of a struct, ready to check arguments with.
type typedSchema struct {
	text     json.RawMessage
	resolved *jsonschema.Resolved
	required []string
}

func schemaOf(t reflect.Type) (*typedSchema, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the arguments must be a struct, not %s", t)
	}
	schema, err := jsonschema.ForType(t, &jsonschema.ForOptions{})
	if err != nil {
		return nil, err
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Type.Kind() == reflect.Pointer {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				name = field.Name
			}
			schema.Required = slices.DeleteFunc(schema.Required, func(s string) bool { return s == name })
		}
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(schema)
	return &typedSchema{text, resolved, schema.Required}, err
}

// decode checks args and stores them in target.
func (s *typedSchema) decode(args map[string]any, target any) error {
	given := make(map[string]any, len(args))
	for name, value := range args {
		if value != nil || slices.Contains(s.required, name) {
			given[name] = value
		}
	}
	text, err := json.Marshal(given)
	if err != nil {
		return invalidArguments("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		return invalidArguments("%v", err)
	}
	if err := s.resolved.Validate(plain); err != nil {
		return invalidArguments("%s", validationText(err))
	}
	if err := json.Unmarshal(text, target); err != nil {
		return invalidArguments("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

func invalidArguments(format string, args ...any) error {
	return CallbackErrorf("invalid_arguments", "invalid arguments: "+format, args...)
}

// validationText is the innermost cause of a validation's error, after the place where it was found.
func validationText(err error) string {
	place := ""
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		at, _, _ := strings.Cut(err.Error(), ": ")
		if _, path, ok := strings.Cut(at, "/properties/"); ok {
			place = strings.ReplaceAll(path, "/properties/", ".") + ": "
		}
		err = inner
	}
	// The library prints the value that null decodes to.
	return place + strings.ReplaceAll(err.Error(), "<invalid reflect.Value>", "None")
}

// hasStruct reports that values of t need encoding/json.
func hasStruct(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[big.Int](), reflect.TypeFor[*big.Int]():
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasStruct(t.Elem(), seen)
	}
	return false
}

// throughJSON is v as encoding/json has it, its structs as maps and numbers exact.
func throughJSON(v any) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, &errCallback{"value", "the host function returned a value that cannot be passed: " + err.Error()}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, &errCallback{"value", err.Error()}
	}
	return plain, nil
}
