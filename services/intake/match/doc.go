// Package match is the engine of the person index: it finds records that may
// be of one person, says how likely that is and why, and says what should be
// done about it. It is pure: no I/O beyond its embedded tables, no clock, no
// state; all randomness comes from a seed in its settings.
//
// # Guarantees
//
//  1. Nothing crosses a wall. Records of different compartments share no key,
//     score nothing, are left out of Rank, and are never in one cluster. A
//     reporter is matched with nobody.
//  2. Twins, brothers and sisters, a parent and a child of one name, a child
//     before and after an adoption, and children without a name are never
//     linked without asking, however much they share (see Guard).
//  3. What is learnt is learnt without labels, and parameters that cannot be
//     those of matches are refused with ErrImplausible.
//  4. Probabilities are calibrated: of the pairs said to match at p, about p do.
//  5. The work a record may cost is bounded, also for common names: its keys,
//     its candidates, the records looked at to choose them.
//  6. Clusters do not chain. One record between two persons does not make them
//     one; twins and two settled birth dates keep clusters apart.
//  7. The same input gives the same output, on any number of cores.
//  8. Every score names its model. A model's ID changes with any parameter,
//     threshold or language table.
//
// # Method
//
// Scores are Fellegi and Sunter's (1969): log2 likelihood ratios of levels of
// agreement, added up, with four changes that the data of families and of
// half-remembered names ask for.
//
// Three kinds of pair instead of two: one person, kin (one household, two
// persons), strangers. See weights.
//
// Each comparison is weighed given one other, its parent in a tree of
// dependence (Chow and Liu 1968). See dependence.
//
// Values are counted by person and discounted (Kneser and Ney 1995), so that
// a number seen with one person does not look shared. See countFrequencies.
//
// Persons are found by agglomeration over what clusters say together. See
// clusterer.
//
// u comes from random pairs; m and kin from EM over the pairs of each
// candidate rule, combined over the rules (a rule teaches nothing about what
// it demands); then both again from the persons found.
package match
