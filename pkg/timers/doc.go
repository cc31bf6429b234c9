// Package timers makes things happen at a time: a reminder, a deadline, a
// check-out that does not come. A timer is a row, set and cancelled in the
// transaction of what it is about.
//
// Guarantees:
//
//  1. A timer fires if and only if the transaction that set it committed, and
//     only after it is due by the service's clock, however that clock is moved.
//     Restarts and crashes in between make no difference.
//  2. It fires once: its handler's effects and its removal are one transaction,
//     whatever the number of replicas.
//  3. Set again under the same kind and id, it is replaced: the earlier one never
//     fires. Cancelled, it never fires. A handler may set its own timer again.
//  4. A handler that fails for a passing reason is tried again, ever less often,
//     up to a minute apart. One that fails for good is parked and alarmed; the
//     others go on.
//  5. Timers of one subject fire one at a time, in the order they are due.
//  6. A handler's span is in the trace the timer was given, if it was given one.
package timers
