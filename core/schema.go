package core

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A callback's schema is kept as JSON text, because the order of its properties is the order of the
// callback's parameters, and a Go map has none.

// parameter is one parameter of a callback.
type parameter struct {
	Name     string
	Required bool
	Schema   propertySchema
}

// propertySchema is what is read of a parameter's own schema.
type propertySchema struct {
	Type        any             `json:"type"`
	Description string          `json:"description"`
	Default     json.RawMessage `json:"default"`
	Enum        []any           `json:"enum"`
	Items       *propertySchema `json:"items"`
	AnyOf       []propertySchema
}

// schemaText is schema as JSON text whose properties are in the order of the parameters. schema is nil, JSON
// text (string, []byte, json.RawMessage), or what encoding/json makes an object of; see Callback.Schema.
func schemaText(schema any) (json.RawMessage, error) {
	var text []byte
	switch s := schema.(type) {
	case nil:
		return nil, nil
	case string:
		text = []byte(s)
	case json.RawMessage:
		text = s
	case []byte:
		text = s
	case map[string]any:
		if s == nil {
			return nil, nil
		}
		return orderedSchema(s)
	default:
		var err error
		if text, err = json.Marshal(schema); err != nil {
			return nil, err
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	return text, nil
}

// orderedSchema writes a schema that has lost the order of its properties: those in "propertyOrdering" first,
// then the required ones as listed, then the others by name.
func orderedSchema(schema map[string]any) (json.RawMessage, error) {
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		return json.Marshal(schema)
	}
	var ordered bytes.Buffer
	ordered.WriteByte('{')
	for i, name := range propertyOrder(schema, properties) {
		key, _ := json.Marshal(name)
		value, err := json.Marshal(properties[name])
		if err != nil {
			return nil, err
		}
		if i > 0 {
			ordered.WriteByte(',')
		}
		ordered.Write(append(append(key, ':'), value...))
	}
	ordered.WriteByte('}')
	whole := map[string]any{}
	for k, v := range schema {
		whole[k] = v
	}
	delete(whole, "propertyOrdering")
	whole["properties"] = json.RawMessage(ordered.Bytes())
	return json.Marshal(whole)
}

func propertyOrder(schema, properties map[string]any) []string {
	var order []string
	add := func(names ...string) {
		for _, name := range names {
			if _, ok := properties[name]; ok && !slices.Contains(order, name) {
				order = append(order, name)
			}
		}
	}
	add(textList(schema["propertyOrdering"])...)
	add(textList(schema["required"])...)
	rest := make([]string, 0, len(properties))
	for name := range properties {
		rest = append(rest, name)
	}
	slices.Sort(rest)
	add(rest...)
	return order
}

// textList is v as strings, whether it is []string or []any.
func textList(v any) []string {
	if list, ok := v.([]string); ok {
		return list
	}
	list, _ := v.([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// parametersOf reads the parameters of a schema in order.
func parametersOf(text json.RawMessage) ([]parameter, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var object struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, fmt.Errorf("the schema is not a JSON Schema of an object: %w", err)
	}
	names, err := objectKeys(object.Properties)
	if err != nil {
		return nil, err
	}
	var properties map[string]json.RawMessage
	if len(names) > 0 {
		if err := json.Unmarshal(object.Properties, &properties); err != nil {
			return nil, err
		}
	}
	parameters := make([]parameter, 0, len(names))
	for _, name := range names {
		p := parameter{Name: name, Required: slices.Contains(object.Required, name)}
		// A property's schema may be anything, "true" included: what cannot be read stays unknown.
		_ = json.Unmarshal(properties[name], &p.Schema)
		parameters = append(parameters, p)
	}
	return parameters, nil
}

// objectKeys is the keys of a JSON object in the order they are written.
func objectKeys(object json.RawMessage) ([]string, error) {
	if len(object) == 0 || string(object) == "null" {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("the schema's properties are not an object")
	}
	var keys []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key.(string))
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// pythonType is the type annotation of a schema.
func (s propertySchema) pythonType() string {
	if len(s.AnyOf) > 0 {
		var kinds []string
		for _, one := range s.AnyOf {
			kinds = append(kinds, one.pythonType())
		}
		return union(kinds)
	}
	switch t := s.Type.(type) {
	case string:
		return s.namedType(t)
	case []any:
		var kinds []string
		for _, name := range textList(t) {
			kinds = append(kinds, s.namedType(name))
		}
		if len(kinds) > 0 {
			return union(kinds)
		}
	}
	return "Any"
}

func (s propertySchema) namedType(name string) string {
	switch name {
	case "string":
		return "str"
	case "integer":
		return "int"
	case "number":
		return "float"
	case "boolean":
		return "bool"
	case "null":
		return "None"
	case "array":
		if s.Items != nil {
			return "list[" + s.Items.pythonType() + "]"
		}
		return "list[Any]"
	case "object":
		return "dict[str, Any]"
	}
	return "Any"
}

// union joins types with None last and each named once.
func union(kinds []string) string {
	slices.SortStableFunc(kinds, func(a, b string) int {
		switch {
		case a == "None" && b != "None":
			return 1
		case b == "None" && a != "None":
			return -1
		}
		return 0
	})
	var once []string
	for _, kind := range kinds {
		if !slices.Contains(once, kind) {
			once = append(once, kind)
		}
	}
	return strings.Join(once, " | ")
}
