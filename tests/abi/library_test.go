// Package abi tests the built liberyx the way a program without a C compiler uses it: the library is built, loaded with
// purego, and called through include/eryx.h's functions, with right and with hostile arguments.
package abi

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ebitengine/purego"
)

// The statuses of eryx.h; TestStatuses compares them with it.
const (
	ok          int32 = 0
	empty       int32 = 1
	more        int32 = 2
	interrupted int32 = 3
	eInvalid    int32 = -1
	eHandle     int32 = -2
	eMessage    int32 = -3
	eSpace      int32 = -4
	eABI        int32 = -5
	ePanic      int32 = -6
	eClosed     int32 = -7
	eSystem     int32 = -8
	eFork       int32 = -100
)

const abiVersion = 1

// The functions of eryx.h. Pointers to bytes are the first byte of a slice, nil for NULL.
var (
	eryxVersion    func() string
	eryxABIVersion func() uint32
	eryxInit       func(abi uint32, config *byte, length uintptr) int32
	eryxQueueOpen  func(queue *uint64) int32
	eryxQueueClose func(queue uint64) int32
	eryxSubmit     func(queue uint64, message *byte, length uintptr, request *uint64) int32
	eryxCancel     func(request uint64) int32
	eryxComplete   func(answers *byte, length uintptr) int32
	eryxDrain      func(queue uint64, buffer *byte, capacity uintptr, length *uintptr) int32
	eryxNextEvents func(queue uint64, buffer *byte, capacity uintptr, length *uintptr, timeoutMS int32) int32
	eryxEventFD    func(queue uint64, fd *int32) int32
	eryxSetNotify  func(queue uint64, notify, data uintptr) int32
	eryxFixSignals func() int32
	eryxShutdown   func(timeoutMS int32) int32
)

var functions = map[string]any{
	"eryx_version": &eryxVersion, "eryx_abi_version": &eryxABIVersion, "eryx_init": &eryxInit,
	"eryx_queue_open": &eryxQueueOpen, "eryx_queue_close": &eryxQueueClose, "eryx_submit": &eryxSubmit,
	"eryx_cancel": &eryxCancel, "eryx_complete": &eryxComplete, "eryx_drain": &eryxDrain,
	"eryx_next_events": &eryxNextEvents, "eryx_event_fd": &eryxEventFD, "eryx_set_notify": &eryxSetNotify,
	"eryx_fix_signals": &eryxFixSignals, "eryx_shutdown": &eryxShutdown,
}

// Variables of the environment of a process of its own, see inProcess.
const (
	libraryVariable = "ERYX_ABI_TEST_LIBRARY"
	lifeVariable    = "ERYX_ABI_TEST_LIFE"
)

// libraryPath is the built library.
var libraryPath string

// root is the repository's folder.
var root string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if root, err = filepath.Abs("../.."); err != nil {
		return fail(err)
	}
	if libraryPath = os.Getenv(libraryVariable); libraryPath == "" {
		folder, err := os.MkdirTemp("", "eryx-abi")
		if err != nil {
			return fail(err)
		}
		defer os.RemoveAll(folder)
		libraryPath = filepath.Join(folder, "liberyx.so")
		if err := build(root, libraryPath); err != nil {
			return fail(err)
		}
	}
	if err := load(); err != nil {
		return fail(err)
	}
	if os.Getenv(lifeVariable) == "" {
		if status := eryxInit(abiVersion, nil, 0); status != ok {
			return fail(fmt.Errorf("eryx_init: status %d", status))
		}
	}
	return m.Run()
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// build builds the library of the sources in a folder, as a user would.
func build(sources, output string) error {
	command := exec.Command("sh", filepath.Join(sources, "capi", "build.sh"), output)
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("capi/build.sh: %w\n%s", err, text)
	}
	return nil
}

func load() error {
	library, err := purego.Dlopen(libraryPath, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return err
	}
	for name, f := range functions {
		purego.RegisterLibFunc(f, library, name)
	}
	return nil
}

// inProcess runs the rest of the calling test in a process of its own, whose library is loaded and not initialised
// yet. True in that process.
func inProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv(lifeVariable) == t.Name() {
		return true
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s")
	command.Env = append(os.Environ(), lifeVariable+"="+t.Name(), libraryVariable+"="+libraryPath)
	text, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return false
}
