// Package referral is intake's domain: what an inbound referral event is, what a
// referral becomes as events about it arrive, who the persons in it are, how
// soon it must be answered and who may be contacted. It does no I/O: time, ids,
// rules and what is already known are handed in.
//
// Guarantees:
//
//  1. An event is known by its source and id, and its content by a hash that no
//     formatting of the JSON changes. The first content under an identity is
//     kept for ever; other content under it changes nothing (Ledger.Receive).
//  2. Any order of arrival, and any re-sends, of one set of events end in the same
//     referrals with the same content and status (History.Fold).
//  3. Every fault of an event is found and named by its JSON pointer, and no
//     fault repeats what the event says.
//  4. The reporter is held apart from the content of a referral from the moment
//     an event is read (Event.Document, Event.Reporter).
//  5. Types that hold personal data print, format and log as [redacted].
package referral
