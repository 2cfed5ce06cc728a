// Package access decides who may do what: organizations and their members,
// roles, bearer tokens, sessions, invitations, and sign-in with Ethereum.
//
// Three kinds of callers exist. A program presents a bearer token
// ([ParseToken]), which belongs to one organization. A person signs in with an
// Ethereum wallet ([ParseMessage], [Recover]) and then presents a session
// cookie, which stands for the first organization that they joined. The
// command line on the machine itself works on the database file and is an
// owner by that. Each of them becomes a [Caller], and [Caller.Check] answers
// from one table ([ReachOf]).
//
// How a sign-in goes, each step refusing before the next begins:
//
//  1. [Service.Nonce] stores 128 or more random bits for 15 minutes.
//  2. The wallet signs an ERC-4361 message that names the nonce.
//  3. [Service.SignIn] parses the message strictly, takes the nonce out of the
//     store (only one of many parallel attempts gets it), compares domain, chain id
//     and times ([Policy.Check]) and recovers the signer (EIP-191).
//  4. The store makes the user on first sight, and the session.
//
// Two things are capabilities, known by whoever holds them: a session's token
// and an invitation's id. Secrets are random, at least 128 bits, and of tokens
// that last only a SHA-256 digest is stored, so a copy of the database signs nobody in.
//
// The rules are pure functions of their arguments. [Service] is thin over
// [Store], each method of which is one transaction: where two callers race,
// the store decides inside its transaction by the rules of this package.
//
// Signatures of contract wallets (EIP-1271, EIP-6492) are out of scope: to
// check one means calling into a chain. Their holders use bearer tokens.
package access
