package wasmbin

import "fmt"

const (
	nameSection     = "name"
	nameSubModule   = 0
	nameSubFunction = 1
)

// ModuleName returns the module's own name from the name section, or "".
func ModuleName(m *Module) string {
	r := NewReader(m.Custom(nameSection))
	if r.Byte() != nameSubModule {
		return ""
	}
	return NewReader(r.Bytes(r.U32())).Name()
}

// FunctionNames reads the function names of the name section; an absent section gives an empty map.
func FunctionNames(m *Module) (map[uint32]string, error) {
	names := map[uint32]string{}
	r := NewReader(m.Custom(nameSection))
	for r.Len() > 0 {
		kind := r.Byte()
		s := NewReader(r.Bytes(r.U32()))
		if kind != nameSubFunction {
			continue
		}
		for range s.Count() {
			index := s.U32()
			names[index] = s.Name()
		}
		if s.Err() != nil {
			return nil, fmt.Errorf("name section: %w", s.Err())
		}
	}
	if r.Err() != nil {
		return nil, fmt.Errorf("name section: %w", r.Err())
	}
	return names, nil
}

// SetFunctionNames replaces the name section; names[i] is the name of function i, imports included.
// No names remove the section.
func SetFunctionNames(m *Module, names []string) {
	var kept []Custom
	for _, c := range m.Customs {
		if c.Name != nameSection {
			kept = append(kept, c)
		}
	}
	m.Customs = kept
	if len(names) == 0 {
		return
	}
	body := AppendU32(nil, uint32(len(names)))
	for i, name := range names {
		body = AppendName(AppendU32(body, uint32(i)), name)
	}
	data := append(AppendU32([]byte{nameSubFunction}, uint32(len(body))), body...)
	m.Customs = append(m.Customs, Custom{Name: nameSection, Data: data})
}
