// Package bench measures a running suite, each figure beside the limit of the
// machine measured in the same run, so that the ratio means the same on any
// machine.
//
// The limit of taking referrals in is what plain pgx reaches when it inserts the
// very rows a referral makes: triggers record each transaction of a sample of
// referrals, and the recorded transactions are then played into an empty copy
// of the database, in the same groups, by the same number of connections, on
// the same server with the same durability.
package bench
