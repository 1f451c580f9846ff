//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keystore

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks f against other processes and other open files of this one,
// until f is closed; false if one of them has it.
func tryLock(f *os.File) (bool, error) {
	for {
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
			return true, nil
		case unix.EWOULDBLOCK:
			return false, nil
		case unix.EINTR:
		default:
			return false, os.NewSyscallError("flock", err)
		}
	}
}
