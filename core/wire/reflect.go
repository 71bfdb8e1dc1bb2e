package wire

import (
	"fmt"
	"reflect"
	"slices"
)

// reflected writes types that value does not list: named types, other widths, typed slices and maps, pointers.
func (e *encoder) reflected(v any, depth int) error {
	if depth > MaxDepth {
		// Pointers that point to themselves never reach a head that would count them.
		return fmt.Errorf("%w: value nests deeper than %d levels, or contains itself", ErrLimit, MaxDepth)
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Bool:
		e.bool(r.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.int(r.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.uint(r.Uint())
	case reflect.Float32, reflect.Float64:
		e.float(r.Float())
	case reflect.String:
		return e.string(r.String())
	case reflect.Pointer:
		if r.IsNil() {
			return e.value(nil, depth)
		}
		return e.value(r.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		return e.sequence(r, depth)
	case reflect.Map:
		return e.reflectedMap(r, depth)
	default:
		return fmt.Errorf("%w: type %T", ErrType, v)
	}
	return nil
}

func (e *encoder) sequence(r reflect.Value, depth int) error {
	if r.Type().Elem().Kind() == reflect.Uint8 {
		if r.Kind() == reflect.Slice {
			return e.bytes(r.Bytes())
		}
		b := make([]byte, r.Len())
		for i := range b {
			b[i] = byte(r.Index(i).Uint())
		}
		return e.bytes(b)
	}
	if err := e.arrayHead(r.Len(), depth); err != nil {
		return err
	}
	for i := range r.Len() {
		if err := e.value(r.Index(i).Interface(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) reflectedMap(r reflect.Value, depth int) error {
	if r.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("%w: type %s: keys must be strings", ErrType, r.Type())
	}
	if err := e.mapHead(r.Len(), depth); err != nil {
		return err
	}
	keys := r.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.String() < b.String():
			return -1
		case a.String() > b.String():
			return 1
		}
		return 0
	})
	for _, k := range keys {
		if err := e.string(k.String()); err != nil {
			return err
		}
		if err := e.value(r.MapIndex(k).Interface(), depth+1); err != nil {
			return err
		}
	}
	return nil
}
