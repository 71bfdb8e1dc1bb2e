package core

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// The JSON of a journal: canonical, so that equal arguments are equal text, and without loss, so that a replayed
// program gets what the first one got: 1 and 1.0 stay apart, integers have any size, and what JSON lacks is tagged.

const (
	journalTag   = "$eryx" // the key that marks a tagged value
	tagBytes     = "bytes"
	tagFloat     = "float"
	tagMap       = "map" // a map that has the key itself
	maxPlainNest = 1000  // deeper than any message
)

var errJournalValue = errors.New("a tagged value that this version does not know")

// journalJSON is the JSON of a decoded message's value.
func journalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	err := appendJournal(&b, v)
	return b.Bytes(), err
}

func appendJournal(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case uint64:
		b.WriteString(strconv.FormatUint(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		appendFloat(b, v)
	case string:
		appendText(b, v)
	case []byte:
		b.WriteString(`{"` + journalTag + `":"` + tagBytes + `","base64":"` + base64.StdEncoding.EncodeToString(v) + `"}`)
	case []any:
		return appendList(b, v)
	case map[string]any:
		return appendMap(b, v)
	default:
		return fmt.Errorf("a %T cannot be journaled", v)
	}
	return nil
}

// appendFloat writes a float so that it does not look like an integer.
func appendFloat(b *bytes.Buffer, v float64) {
	switch {
	case math.IsNaN(v):
		b.WriteString(`{"` + journalTag + `":"` + tagFloat + `","value":"nan"}`)
	case math.IsInf(v, 0):
		name := "inf"
		if v < 0 {
			name = "-inf"
		}
		b.WriteString(`{"` + journalTag + `":"` + tagFloat + `","value":"` + name + `"}`)
	default:
		text := strconv.FormatFloat(v, 'g', -1, 64)
		b.WriteString(text)
		if !strings.ContainsAny(text, ".e") {
			b.WriteString(".0")
		}
	}
}

func appendText(b *bytes.Buffer, v string) {
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v)   // text always can be
	b.Truncate(b.Len() - 1) // its newline
}

func appendList(b *bytes.Buffer, list []any) error {
	b.WriteByte('[')
	for i, item := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := appendJournal(b, item); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func appendMap(b *bytes.Buffer, m map[string]any) error {
	_, tagged := m[journalTag]
	if tagged {
		b.WriteString(`{"` + journalTag + `":"` + tagMap + `","value":`)
	}
	b.WriteByte('{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b.WriteByte(',')
		}
		appendText(b, key)
		b.WriteByte(':')
		if err := appendJournal(b, m[key]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	if tagged {
		b.WriteByte('}')
	}
	return nil
}

// journalValue is the value of a journal's JSON.
func journalValue(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, err
	}
	return untag(v, 0)
}

func untag(v any, depth int) (any, error) {
	if depth > maxPlainNest {
		return nil, errors.New("it nests too deep")
	}
	switch v := v.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			var err error
			if v[i], err = untag(v[i], depth+1); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if tag, ok := v[journalTag]; ok {
			return untagged(tag, v, depth)
		}
		return untagMap(v, depth)
	}
	return v, nil
}

func untagMap(m map[string]any, depth int) (any, error) {
	for key, item := range m {
		var err error
		if m[key], err = untag(item, depth+1); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// untagged is the value that a tagged map stands for.
func untagged(tag any, m map[string]any, depth int) (any, error) {
	switch tag {
	case tagBytes:
		text, ok := m["base64"].(string)
		if !ok {
			return nil, errJournalValue
		}
		return base64.StdEncoding.DecodeString(text)
	case tagFloat:
		switch m["value"] {
		case "nan":
			return math.NaN(), nil
		case "inf":
			return math.Inf(1), nil
		case "-inf":
			return math.Inf(-1), nil
		}
	case tagMap:
		if inner, ok := m["value"].(map[string]any); ok {
			return untagMap(inner, depth+1)
		}
	}
	return nil, errJournalValue
}

// number is an integer of any size or a float.
func number(text string) (any, error) {
	if strings.ContainsAny(text, ".eE") {
		return strconv.ParseFloat(text, 64)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, fmt.Errorf("%.50q is no number", text)
	}
	return n, nil
}
