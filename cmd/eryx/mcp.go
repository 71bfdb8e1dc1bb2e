package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/mcp"
)

// mcpOptions is what the options say of MCP servers, whose tools the script may call.
type mcpOptions struct {
	discover bool     // those that other programs have configured
	files    []string // configuration files
}

func (m *mcpOptions) define(f *pflag.FlagSet) {
	f.BoolVar(&m.discover, "mcp", false, "")
	f.StringArrayVar(&m.files, "mcp-config", nil, "")
}

// connect starts the servers and puts their tools into config; disconnect ends them. A server of a file that the user
// has named must start, of the others a line tells.
func (m *mcpOptions) connect(ctx context.Context, config *core.Config) (disconnect func(), err error) {
	if !m.discover && len(m.files) == 0 {
		return func() {}, nil
	}
	servers, warnings, err := mcp.Discover(mcp.DiscoverConfig{Paths: m.files, Others: m.discover})
	if err != nil {
		return nil, err
	}
	for _, warning := range warnings {
		say("warning: %s", warning)
	}
	var p progress
	p.step("starting MCP servers ...")
	manager := mcp.NewManager()
	failures := manager.ConnectAll(ctx, servers)
	p.end()
	for _, f := range failures {
		if f.Server.Required || ctx.Err() != nil {
			_ = manager.Close()
			return nil, f.Err
		}
		say("warning: %v", f.Err)
	}
	config.Libraries = append(config.Libraries, manager.Library())
	return func() { _ = manager.Close() }, nil
}

// runServer is eryx serve: an MCP server on standard input and output, which the guest cannot reach.
func runServer(o *options) int {
	if o.hasCode || o.json || len(o.operands) > 0 {
		return usageError(errors.New("serve takes no script, and none of --code and --json"))
	}
	ctx, received, stop := interruptible()
	defer stop()
	if err := o.serve(ctx); err != nil {
		if received() == 0 {
			say("%v", err)
		}
		return exitCode(&core.Result{Err: err}, received())
	}
	return exitOK
}

func (o *options) serve(ctx context.Context) error {
	rt, err := openRuntime()
	if err != nil {
		return err
	}
	config := o.config(&program{})
	config.Limits.OutputOverflow = core.OutputTruncate // a model is helped by a part, too
	if err := o.addPackages(ctx, &config); err != nil {
		return err
	}
	disconnect, err := o.mcp.connect(ctx, &config)
	if err != nil {
		return err
	}
	defer disconnect()
	server, err := mcp.NewServer(rt, config)
	if err != nil {
		return err
	}
	return server.Serve(ctx, mcp.Stdio())
}
