package extensions_test

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// unlike is the library as another file: with a custom section of its own, so that it is compiled anew.
func unlike(library []byte, number uint32) []byte {
	library = append(append([]byte(nil), library...), 0, 6, 1, 'n')
	return binary.LittleEndian.AppendUint32(library, number)
}

// TestConcurrentImports has many sessions import the same extensions at once, some of which nobody has compiled yet.
func TestConcurrentImports(t *testing.T) {
	library := compile(t, "sample", "sample.c")
	var wait sync.WaitGroup
	for i := range 12 {
		packages := []core.Package{extension(t, "sample", unlike(library, uint32(1000+i/4)))}
		wait.Go(func() {
			s, err := rt.NewSession(core.Config{Packages: packages, Limits: core.Limits{ExecutionTimeout: patience}})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for k := range 3 {
				result, err := s.Execute(t.Context(), "import sample; print(sample.bump())")
				if err != nil || string(result.Stdout) != fmt.Sprintln(41+k) {
					t.Errorf("printed %q, %v", result.Stdout, err)
				}
				fork, err := s.Fork()
				if err != nil {
					t.Error(err)
					continue
				}
				fork.Close()
			}
		})
	}
	wait.Wait()
}

// TestGivenUpCompilation ends executions while an extension is compiled for them, or shortly before or after. The
// next session gets it all the same.
func TestGivenUpCompilation(t *testing.T) {
	library := compile(t, "sample", "sample.c")
	for i := range 8 {
		packages := []core.Package{extension(t, "sample", unlike(library, uint32(2000+i)))}
		s := session(t, packages...)
		prints(t, s, "pass", "")
		_, err := s.Execute(t.Context(), "import sample\nwhile True: sample.add(1, 2)", core.WithTimeout(time.Millisecond<<i))
		if core.ErrorCode(err) != core.CodeTimeout {
			t.Errorf("after %v: %v", time.Millisecond<<i, err)
		}
		stillWorks(t, packages...)
	}
}
