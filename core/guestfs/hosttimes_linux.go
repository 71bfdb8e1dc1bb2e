package guestfs

import (
	"os"
	"unsafe"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"
)

// setFileTimes sets the times of an open file. Package os can only do that by
// path, and the file may have another one by now.
func setFileTimes(f *os.File, atim, mtim int64) error {
	times := [2]unix.Timespec{timespec(atim), timespec(mtim)}
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var number unix.Errno
	err = conn.Control(func(fd uintptr) {
		// utimensat without a path is futimens, which has no wrapper.
		_, _, number = unix.Syscall6(unix.SYS_UTIMENSAT, fd, 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
	})
	if err == nil && number != 0 {
		err = number
	}
	return err
}

func timespec(nanos int64) unix.Timespec {
	if nanos == sys.UTIME_OMIT {
		return unix.Timespec{Nsec: unix.UTIME_OMIT}
	}
	return unix.NsecToTimespec(nanos)
}
