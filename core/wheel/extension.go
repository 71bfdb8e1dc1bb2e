package wheel

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// An extension module is found by its name: spam.cpython-314-wasm32-wasi.so is for this guest only, spam.abi3.so
// for any platform that it was compiled for, spam.so may be anything. See docs/native-extensions.md.
const (
	wasiSuffix = ".cpython-314-wasm32-wasi.so"
	abi3Suffix = ".abi3.so"
)

// stemOf is the module that a file with machine code implements, and what it is built for; false for other files.
func stemOf(file string) (stem, platform string, ok bool) {
	base := path.Base(file)
	name, rest, found := strings.Cut(base, ".")
	switch dir := path.Dir(file); {
	case !found:
	case strings.HasPrefix(rest, "cpython-") && strings.HasSuffix(rest, ".so"):
		return path.Join(dir, name), strings.TrimSuffix(rest, ".so"), true
	case strings.HasSuffix(rest, "pyd"):
		return path.Join(dir, name), "Windows", true
	case "."+rest == abi3Suffix:
		return path.Join(dir, name), "", true
	}
	return "", "", false
}

// refuseForeign is an error for an extension module that is not built for the guest, unless the wheel has that
// module in another form too.
func (p *Package) refuseForeign() error {
	paths := map[string]bool{}
	for _, f := range p.files {
		paths[f.path] = true
	}
	for _, f := range p.files {
		stem, platform, ok := stemOf(f.path)
		if !ok || paths[stem+".py"] {
			continue
		}
		reason := ""
		switch {
		case strings.HasSuffix(f.path, wasiSuffix), platform == "":
			reason = foreignFormat(f)
		case !paths[stem+wasiSuffix]:
			reason = "it is built for " + platform
		}
		if reason != "" {
			return fmt.Errorf("its extension module %.200q cannot be loaded: %s; the guest loads those built for WASI (cpython-314-wasm32-wasi) only", f.path, reason)
		}
	}
	return nil
}

// foreignFormat says what a file is that its name takes for WebAssembly; "" when it is that.
func foreignFormat(f file) string {
	head, err := f.head()
	switch {
	case err != nil:
		return err.Error()
	case bytes.HasPrefix(head, []byte("\x00asm\x01\x00\x00\x00")):
		return ""
	case bytes.HasPrefix(head, []byte("\x00asm")):
		return "it is a WebAssembly component, not a core module"
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return "it is built for Linux"
	case bytes.HasPrefix(head, []byte("\xcf\xfa\xed\xfe")), bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe")):
		return "it is built for macOS"
	}
	return "it is no WebAssembly module"
}
