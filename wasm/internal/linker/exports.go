package linker

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/eryx-go/eryx/wasm/internal/wasmbin"
)

// Symbols is what extensions can link against: names of the libraries' exported functions and data.
type Symbols struct {
	Functions map[string]FunctionSymbol
	Data      map[string]uint32 // addresses in linear memory
}

// FunctionSymbol is a function that the module exports under its name.
type FunctionSymbol struct {
	Type wasmbin.FuncType
	Slot uint32 // where it is in the table, its address for C; 0 when it has no place there
}

// symbolExports lists the functions of the libraries that extensions may call, by name. Where several names
// share a definition each is exported.
func (l *linker) symbolExports() []export {
	var out []export
	for name, f := range l.symbols {
		if l.originals[name] == nil || !matches(l.opts.Symbols, name) {
			continue // not listed, or the shim's own
		}
		out = append(out, export{name, f})
	}
	slices.SortFunc(out, func(a, b export) int { return strings.Compare(a.name, b.name) })
	return out
}

// checkSymbols is an error for names that nothing defines.
func (l *linker) checkSymbols() error {
	var missing []string
	for _, name := range l.opts.Symbols {
		if !strings.HasSuffix(name, "*") && l.originals[name] == nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("linker: no library defines the symbols %s", strings.Join(missing, ", "))
	}
	return nil
}

// matches says whether a pattern is the name or, ending in "*", its beginning.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, isPrefix := strings.CutSuffix(pattern, "*")
		return name == pattern || isPrefix && strings.HasPrefix(name, prefix)
	})
}

// symbolTable describes the exported symbols.
func (l *linker) symbolTable(exports []export) Symbols {
	s := Symbols{Functions: map[string]FunctionSymbol{}, Data: l.data}
	for _, e := range exports {
		s.Functions[e.name] = FunctionSymbol{Type: e.f.typ, Slot: l.slots[e.f]}
	}
	return s
}

// Marshal writes the symbols as text, one a line: "f NAME SIGNATURE SLOT" or "d NAME ADDRESS".
func (s Symbols) Marshal() []byte {
	var b bytes.Buffer
	for _, name := range sortedKeys(s.Functions) {
		f := s.Functions[name]
		fmt.Fprintf(&b, "f %s %x %d\n", name, f.Type.Key(), f.Slot)
	}
	for _, name := range sortedKeys(s.Data) {
		fmt.Fprintf(&b, "d %s %d\n", name, s.Data[name])
	}
	return b.Bytes()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ParseSymbols reads what Marshal wrote.
func ParseSymbols(text []byte) (Symbols, error) {
	s := Symbols{Functions: map[string]FunctionSymbol{}, Data: map[string]uint32{}}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 {
			return s, fmt.Errorf("symbols: %q", lines.Text())
		}
		number, err := strconv.ParseUint(fields[len(fields)-1], 10, 32)
		switch {
		case err == nil && fields[0] == "d" && len(fields) == 3:
			s.Data[fields[1]] = uint32(number)
		case err == nil && fields[0] == "f" && len(fields) == 4:
			typ, ok := parseSignature(fields[2])
			if !ok {
				return s, fmt.Errorf("symbols: %q", lines.Text())
			}
			s.Functions[fields[1]] = FunctionSymbol{Type: typ, Slot: uint32(number)}
		default:
			return s, fmt.Errorf("symbols: %q", lines.Text())
		}
	}
	return s, nil
}

// parseSignature reads the hexadecimal form of FuncType.Key.
func parseSignature(text string) (wasmbin.FuncType, bool) {
	var typ wasmbin.FuncType
	var key []byte
	if _, err := fmt.Sscanf(text, "%x", &key); err != nil {
		return typ, false
	}
	params, results, ok := bytes.Cut(key, []byte(">"))
	for _, p := range params {
		typ.Params = append(typ.Params, wasmbin.ValType(p))
	}
	for _, r := range results {
		typ.Results = append(typ.Results, wasmbin.ValType(r))
	}
	return typ, ok
}
