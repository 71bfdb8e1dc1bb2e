//go:build !linux

package mcp

import "os/exec"

// startChild starts cmd. It ends with this process by the end of its input.
func startChild(cmd *exec.Cmd) error { return cmd.Start() }

// waitGroup returns when cmd has ended.
func waitGroup(cmd *exec.Cmd) error { return cmd.Wait() }

// killGroup ends cmd.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// terminateGroup ends cmd: there is no polite way on every system.
func terminateGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
