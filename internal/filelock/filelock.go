// Package filelock keeps two processes from writing one folder at once.
//
// [Try] locks an open file until it is closed. The kernel drops the lock of a
// process that dies, so no lock is ever stale. The file must never be removed:
// a lock on a file that is gone locks out nobody.
package filelock
