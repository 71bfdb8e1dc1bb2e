package guestfs

import (
	"os"
	"syscall"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// setFileTimes sets the times of an open file. Package os can only do that by
// path, and the file may have another one by now.
func setFileTimes(f *os.File, atim, mtim int64) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = syscall.SetFileTime(syscall.Handle(fd), nil, filetime(atim), filetime(mtim))
	})
	if err == nil {
		err = failed
	}
	return err
}

// filetime is nil for a time that is not to be set.
func filetime(nanos int64) *syscall.Filetime {
	if nanos == sys.UTIME_OMIT {
		return nil
	}
	t := syscall.NsecToFiletime(nanos)
	return &t
}
