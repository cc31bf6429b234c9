// Package matrix gives the search travel times from elsewhere than the estimate:
// from a file, or from a provider of road distances.
//
//  1. Nothing is asked of anybody while a schedule is searched for: times are
//     brought in before, by Ask. No place leaves unless a Provider is given, and
//     then rounded to Digits; an unknown one never does.
//  2. Where a time is missing the estimate answers, and Source says so.
//  3. Times need not be the same both ways.
//  4. Times do not change: what is learnt makes new ones, and a plan is judged by
//     those it was made with.
package matrix
