package ops

import (
	"os"
	"regexp"
	"testing"
)

// TestErrorTable compares tests/vectors/errors.json, which every language's test walks, with core's codes.
func TestErrorTable(t *testing.T) {
	var table struct {
		Codes []struct{ Code, Go string }
	}
	readJSON(t, vectorsDir+"/errors.json", &table)
	source, err := os.ReadFile("../errors.go")
	if err != nil {
		t.Fatal(err)
	}
	defined := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(Code\w+)\s+Code = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
		defined[m[2]] = m[1]
	}
	if len(defined) != len(table.Codes) {
		t.Errorf("core has %d codes, the table %d", len(defined), len(table.Codes))
	}
	for _, entry := range table.Codes {
		if defined[entry.Code] != entry.Go {
			t.Errorf("code %q is %q in core, %q in the table", entry.Code, defined[entry.Code], entry.Go)
		}
	}
}
