package fault

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Transient says whether the same work may succeed when tried again unchanged:
// Unavailable and RateLimited faults, broken connections, deadlines and
// cancellation, and PostgreSQL's serialization failures, deadlocks, lock
// timeouts, shutdowns and connection limits. A fault of another kind is not
// transient whatever caused it: somebody decided.
func Transient(err error) bool {
	if err == nil {
		return false
	}
	if e, ok := As(err); ok && e.Kind != Internal {
		return e.Kind == Unavailable || e.Kind == RateLimited
	}
	return interrupted(err)
}

// interrupted is true when the way to a part broke, or the part asked to be
// tried again, as opposed to the part having refused the work.
func interrupted(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return transientState(state.SQLState())
	}
	for _, target := range []error{
		context.DeadlineExceeded, context.Canceled, driver.ErrBadConn, sql.ErrConnDone, net.ErrClosed,
		io.ErrUnexpectedEOF, io.EOF, os.ErrDeadlineExceeded,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ETIMEDOUT,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	var dial *net.OpError
	if errors.As(err, &dial) {
		return true
	}
	var name *net.DNSError
	if errors.As(err, &name) {
		return true
	}
	// kafka-go's protocol errors and pgconn's "safe to retry" say it themselves.
	var temporary interface{ Temporary() bool }
	if errors.As(err, &temporary) && temporary.Temporary() {
		return true
	}
	var safe interface{ SafeToRetry() bool }
	return errors.As(err, &safe) && safe.SafeToRetry()
}

// transientState knows the SQLSTATEs (PostgreSQL manual, appendix A) after which
// the same transaction may pass: class 08 connection exceptions, 40001
// serialization failure, 40P01 deadlock, 53 insufficient resources, 55P03 lock
// not available, 57P01–57P03 and 57P05 shutdowns, 25006 read-only (a failover).
func transientState(state string) bool {
	switch state {
	case "40001", "40P01", "55P03", "57P01", "57P02", "57P03", "57P05", "25006":
		return true
	}
	return len(state) == 5 && (state[:2] == "08" || state[:2] == "53")
}
