// Package policy decides who may see or do a thing: the one place that does.
// policies.cedar is the rule, for single things and, turned into SQL, for lists.
//
// Guarantees:
//
//  1. What is not permitted is denied, and a forbid beats every permit: another
//     agency, an exclusion, one's own work to be approved, a protected record.
//  2. An exclusion beats everything, break-glass included.
//  3. Need to know: somebody who may not read a case's things is told that they do
//     not exist. Somebody who may read them, and may not do this, is told so.
//  4. Filter gives lists the same rule as SQL: it asks the policies, and a row is
//     listed exactly when Check would let it be read.
//  5. Who leads a unit leads it and what is below it: a supervisor or scheduler
//     whose token names units is, to the cases of other units, anybody else. A case
//     that no unit has yet is every unit's.
//  6. A protected record (a reporter, a confidential address) is read by those
//     named in its grant, whatever their role; and by nobody else.
//  7. CheckRead leaves an audit row in the same transaction, or gives no access;
//     broken glass opens nothing without one. A denial that ends a request leaves
//     one too, with decision deny, after the request's transaction is rolled back.
//  8. What cannot be decided (an unknown action or type, no principal) is denied.
//
// Break-glass: a worker of the agency who is not assigned sends the header
// Hearth-Break-Glass with a reason; reading, and only reading, is then let
// through and audited with the reason.
package policy
