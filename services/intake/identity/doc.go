// Package identity says who is one person. Records are what referrals made known
// (referral.Person); people decide that two of them are of one person, and may take
// it back at any later time. It does no I/O.
//
// Guarantees:
//
//  1. A merge changes no record. It is an edge between two records; those that hold
//     are a forest; an identity is one of its trees, named by its oldest record. What
//     is shown of a person is computed from the records, so that taking a merge back
//     gives what would be there had it never been made (Identity.Join, Identity.Cut).
//  2. Taking one merge back parts one identity in two and leaves every other merge:
//     a record stays with the record it was merged with, also when that merge was
//     made later, or inside.
//  3. What refers to a person (referrals, households, grants, contact rules, later
//     edits) belongs to a record and goes where the record goes. Contact rules
//     settled with a person of several records belong to all of these; once they are
//     parted each keeps what forbids, and of what permits what it knew itself
//     (Identity.Rules).
//  4. Nothing is merged across a seal (an adoption, a protected identity), whatever
//     reason is given; records a seal comes between are parted at once (Identity.Breach).
//     A merge that twins, two names in one referral or a decision before speak
//     against needs each of these named (Obstacles).
//  5. Nobody is easier to reach or to see for having been merged: each record keeps
//     its say over contacts (Identity.Subjects), what is confidential or unsafe in one
//     is so in all (referral.Joined), and each is seen by who may see it.
//  6. The version of an identity goes up with every change of any of its records and
//     with every merge and unmerge, and never repeats under one id.
package identity
