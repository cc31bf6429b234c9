// Package record holds the rules of an assessment of one case: answered in
// parts, completed once, and the safety decision that comes of it. It is pure.
//
// Guarantees:
//
//  1. An assessment is bound to one version of one instrument by its hash from
//     the day it is given to a case.
//  2. A completed assessment never changes; its safety decision changes only by
//     an override, which keeps the instrument's proposal beside it.
//  3. A safety instrument is not completed while a missing answer could make its
//     decision more severe.
//  4. An override is made by someone who had no part in the answers.
package record
