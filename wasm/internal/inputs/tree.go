package inputs

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
)

// FindTree returns the folders of the module that the current directory belongs to, so that the commands can
// be run from anywhere inside it.
func FindTree(ctx context.Context) (Tree, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/eryx-go/eryx").Output()
	if err != nil {
		return Tree{}, err
	}
	root := strings.TrimSpace(string(out))
	return Tree{Source: filepath.Join(root, "wasm"), Build: filepath.Join(root, "build", "wasm")}, nil
}
