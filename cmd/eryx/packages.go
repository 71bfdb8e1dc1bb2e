package main

import (
	"context"

	"github.com/eryx-go/eryx/core"
	"github.com/eryx-go/eryx/core/wheel"
)

// addPackages puts the packages that the options name into config, fetching those that are requirements.
func (o *options) addPackages(ctx context.Context, config *core.Config) error {
	config.Packages = core.PackagePaths(o.packages...)
	if len(o.with) == 0 {
		return nil
	}
	var p progress
	p.step("fetching packages ...")
	defer p.end()
	fetched, err := core.ResolveRequirements(ctx, o.with, wheel.ResolveConfig{})
	config.Packages = append(config.Packages, fetched...)
	return err
}
