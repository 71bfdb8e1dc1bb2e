package security_test

import "github.com/eryx-go/eryx/core"

// config is the default configuration, with more memory: some programs need it to nest as deep as they do.
func config() core.Config { return core.Config{Limits: core.Limits{MaxMemoryBytes: 256 << 20}} }
