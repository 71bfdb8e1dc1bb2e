package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/eryx-go/eryx/wasm"
)

// variablesFile is, in the guest's standard library, what CPython's configure script found out for WASI.
const variablesFile = "lib/python3.14/_sysconfig_vars__wasi_wasm32-wasi.json"

// copyHeaders copies CPython's headers, whose pyconfig.h is that of another platform or is not there, and gives them
// the guest's pyconfig.h.
func copyHeaders(from, to string) error {
	if _, err := os.Stat(filepath.Join(from, "Python.h")); err != nil {
		return fmt.Errorf("-headers %s: no headers of CPython: %w", from, err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	text, err := pyconfig()
	if err != nil {
		return err
	}
	name := filepath.Join(to, "pyconfig.h")
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// macro matches the variables that are macros of pyconfig.h. All that matter to headers have numbers as values.
var macro = regexp.MustCompile(`^(HAVE_|SIZEOF_|ALIGNOF_|WITH_|Py_|PY_COERCE|PTHREAD_|TIMEMODULE|TM_|WORDS_|DOUBLE_IS_|MAJOR_|POSIX_|SYS_|ENABLE_|STDC_|_GNU_SOURCE|_POSIX|_XOPEN)`)

// pyconfig writes pyconfig.h as it was when the guest's CPython was built.
func pyconfig() ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(wasm.Stdlib()), int64(len(wasm.Stdlib())))
	if err != nil {
		return nil, err
	}
	file, err := archive.Open(variablesFile)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var variables map[string]any
	if err := json.NewDecoder(file).Decode(&variables); err != nil {
		return nil, fmt.Errorf("%s: %w", variablesFile, err)
	}
	var lines []string
	for name, value := range variables {
		if n, ok := value.(float64); ok && n != 0 && macro.MatchString(name) {
			lines = append(lines, fmt.Sprintf("#define %s %d", name, int64(n)))
		}
	}
	slices.Sort(lines)
	return []byte("#ifndef Py_PYCONFIG_H\n#define Py_PYCONFIG_H\n" + strings.Join(lines, "\n") + "\n#endif\n"), nil
}
