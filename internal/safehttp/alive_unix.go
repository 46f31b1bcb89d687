//go:build unix

package safehttp

import "syscall"

// alive tells whether an idle connection can carry another request: nothing has come in since the last answer, not
// even the end. Post has no reader waiting on idle connections, so it looks before each use; it does not block.
func (c *conn) alive() bool {
	if c.raw == nil {
		return true
	}
	quiet := false
	err := c.raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = err == syscall.EAGAIN || err == syscall.EINTR
		return true
	})
	return err == nil && quiet
}
