// Package auth says who asks: it verifies OpenID Connect access tokens and gives
// our own services tokens to ask each other with.
//
// Guarantees:
//
//  1. A Principal comes from a token that is signed by an issuer of the list, by
//     one of the algorithms allowed, for our audience, and in date. The time is the
//     machine's, never a clock that development may move.
//  2. An issuer speaks only for the agencies, and gives only the roles, that its
//     entry in the list allows. A referrer's token names the source it speaks for:
//     without one it gives no such role, the development issuer's aside.
//  3. An issuer that does not answer makes requests Unavailable, not
//     Unauthenticated; keys that were fetched before go on being used. Tokens with
//     an unknown key make us ask it again at most once in ten seconds.
//  4. The development issuer, which gives anyone any token, cannot be made without
//     saying that this is development. Its key is kept, so tokens outlive a restart.
//  5. No fault, log line or span of this package holds a token or a subject.
package auth
