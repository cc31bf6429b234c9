package fault_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/fault"
)

func TestGuarantee1_UnclassifiedIsInternalAndBrokenConnectionsAreUnavailable(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"nil", nil, fault.Internal},
		{"plain", errors.New("boom"), fault.Internal},
		{"no rows is not classified by us", sql.ErrNoRows, fault.Internal},
		{"refused connection", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, fault.Unavailable},
		{"deadline", fmt.Errorf("read case: %w", context.DeadlineExceeded), fault.Unavailable},
		{"unique violation", &pgconn.PgError{Code: "23505"}, fault.Internal},
		{"deadlock", &pgconn.PgError{Code: "40P01"}, fault.Unavailable},
		{"own kind", fault.New(fault.Conflict, "case_closed", "The case is closed."), fault.Conflict},
	} {
		if got := fault.KindOf(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestGuarantee2_FoundThroughWrapping(t *testing.T) {
	field := fault.Field{Pointer: "/program", Code: "enum", Detail: "No such program."}
	err := fmt.Errorf("screen referral: %w", fmt.Errorf("open case: %w",
		fault.New(fault.Unprocessable, "unknown_program", "The program is not in force.", field).Because(io.EOF).After(time.Second)))

	got, ok := fault.As(err)
	if !ok {
		t.Fatal("no fault found")
	}
	if got.Kind != fault.Unprocessable || got.RetryAfter != time.Second || !fault.Is(err, "unknown_program") {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]fault.Field{field}, got.Fields); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is lost")
	}
}

func TestGuarantee3_CauseDoesNotChangeTheFaultItIsAddedTo(t *testing.T) {
	base := fault.New(fault.NotFound, "case_not_found", "No such case.")
	_ = base.Because(errors.New("secret"))
	if base.Unwrap() != nil || base.Error() != "case_not_found: No such case." {
		t.Errorf("got %v", base)
	}
}

func TestGuarantee4_TransientIsWhatMayPassUnchanged(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"plain", errors.New("boom"), false},
		{"unavailable", fault.New(fault.Unavailable, "intake_away", "Intake does not answer."), true},
		{"rate limited", fault.New(fault.RateLimited, "slow_down", "Too many requests."), true},
		{"internal fault over a broken connection", fault.New(fault.Internal, "x", "x").Because(syscall.ECONNRESET), true},
		{"decided conflict over a broken connection", fault.New(fault.Conflict, "x", "x").Because(syscall.ECONNRESET), false},
		{"serialization", fmt.Errorf("w: %w", &pgconn.PgError{Code: "40001"}), true},
		{"admin shutdown", &pgconn.PgError{Code: "57P01"}, true},
		{"too many connections", &pgconn.PgError{Code: "53300"}, true},
		{"connection failure", &pgconn.PgError{Code: "08006"}, true},
		{"lock timeout", &pgconn.PgError{Code: "55P03"}, true},
		{"statement cancelled", &pgconn.PgError{Code: "57014"}, false},
		{"check violation", &pgconn.PgError{Code: "23514"}, false},
		{"kafka leader moved", kafka.NotLeaderForPartition, true},
		{"kafka message too large", kafka.MessageSizeTooLarge, false},
	} {
		if got := fault.Transient(tc.err); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
}
