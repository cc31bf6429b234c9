// Package matrix gives the search travel times from elsewhere than the estimate:
// a table in a file, or a provider of road distances behind a cache.
//
//  1. Nothing is asked of anybody while a schedule is searched for: times are
//     brought in before, by Cache.Fill. No address leaves unless a Provider is
//     given, and then rounded to Cache.Digits.
//  2. Where a time is missing the fallback answers, and it is counted.
//  3. Times need not be the same both ways.
package matrix
