// Package ecmajson reads JSON from outside and writes it as ECMAScript would:
// what [Append] returns is a fixed point of JSON.stringify(JSON.parse(x)).
//
// Receivers were told to hash JSON.stringify(payload), so the bytes that are
// signed must survive a parse and a stringify in JavaScript unchanged:
//
//   - no white space;
//   - strings escaped as JSON.stringify escapes them (ECMA-262, QuoteJSONString):
//     \b \t \n \f \r \" \\, other controls as \u00xx, lone surrogates as
//     \udxxx, everything else as it is, U+2028 and U+2029 included;
//   - numbers as Number::toString writes the double they stand for, but for
//     integers beyond ±2⁵³, which are kept as written: no double holds them;
//   - of a key given twice the last value counts, at the place of the first;
//     keys that are array indices come first, ascending.
//
// One pass validates and writes. It needs no memory but the output's as long as
// objects are plain: no index keys, no duplicates, no more than two dozen members.
// Text is refused, with the place and the reason in a [SyntaxError], when it is
// no JSON (RFC 8259), no UTF-8, begins with a byte order mark, is nested deeper
// than [MaxDepth], or has a fraction or an exponent that makes a double infinite.
//
// [Append] rewrites a text, [AppendMembers] hands out the parts of the result on
// the way, [Members] those of the text as it stands; [Decode] makes Go values of
// a result. [AppendString] and [AppendNumber] write single values for those who
// build JSON by hand.
package ecmajson
