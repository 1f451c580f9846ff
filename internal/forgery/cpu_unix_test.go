//go:build unix

package forgery

import (
	"syscall"
	"time"
)

// spent returns the processor time of this process so far: whatever else the machine is busy with.
func spent() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
