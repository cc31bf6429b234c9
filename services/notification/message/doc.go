// Package message brings events to people: the duty team, workers,
// supervisors, families and reporters.
//
// Guarantees:
//
//  1. One event makes one message for a recipient and a template, however often
//     the event comes: the message's row is unique before anything is sent.
//  2. Whether, how and where a family member or reporter may be contacted is
//     asked of intake for each try, and nothing is sent without its yes. Their
//     addresses live in memory for the time of the send, and nowhere else.
//  3. A message that was not allowed, or could not go, ends as withheld or failed
//     with a task for a person; none is dropped in silence.
//  4. Delivery is at least once. A crash between a provider's yes and its record
//     leads to one more send, with the same Message-ID.
//  5. What goes outside the agency is neutral: the finished text is checked
//     against the words that would give away what the agency does.
//  6. Families and reporters get nothing at night, by the agency's own clock.
package message
