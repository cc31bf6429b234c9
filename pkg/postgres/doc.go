// Package postgres opens a service's database and gives transactions that
// cannot be had without a tenant.
//
// Guarantees:
//
//  1. A transaction of InTenant sees and writes rows of its context's agency
//     alone; without an agency in the context there is no transaction.
//  2. The tenant is set in the same message as BEGIN, so no statement runs
//     before it, and it ends with the transaction: a connection that goes back
//     to the pool belongs to no agency.
//  3. A serialization failure or deadlock runs the function again, up to three
//     times in all; any other failure is returned after a rollback. A panic
//     rolls back.
//  4. AfterCommit functions run once, in order, after the commit, and not at all
//     when there is none.
//  5. InBackbone reaches the rows of every tenant, in the kit's event, timer and
//     lease tables alone. It is for pkg/events and pkg/timers.
//  6. Spans show statements without their parameters, and errors by SQLSTATE
//     alone: the server's messages may repeat a family's data.
//  7. Migrate leaves every table with row-level security forced, owned by the
//     owner role, and granted, not given, to the runtime role.
//
// A service's migration creates each table so, and may narrow the grants after:
//
//	CREATE TABLE referral (
//	    agency_id   text NOT NULL DEFAULT current_setting('hearth.agency'),
//	    referral_id text NOT NULL,
//	    PRIMARY KEY (agency_id, referral_id)
//	);
//	SELECT hearth_protect('referral');
package postgres
