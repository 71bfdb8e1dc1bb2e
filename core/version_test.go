package core_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/eryx-go/eryx/core"
)

func TestBuildID(t *testing.T) {
	if id := core.BuildID(); !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || id != core.BuildID() {
		t.Errorf("%q", id)
	}
}

func TestPythonVersion(t *testing.T) {
	result, err := newSession(t, core.Config{}).Execute(context.Background(), "import sys; print('%d.%d' % sys.version_info[:2])")
	if err != nil || string(result.Stdout) != core.PythonVersion+"\n" {
		t.Errorf("%q, %v, want %s", result.Stdout, err, core.PythonVersion)
	}
}
