//go:build !linux

package keystore

func noRoom(*Dir) error { return nil }
