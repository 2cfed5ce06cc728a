package signature

import "fmt"

// Cause says why a verdict is negative, or what is wrong with a computed value.
type Cause struct {
	Code      string `json:"code"`      // one of [Codes]; stable
	Certainty string `json:"certainty"` // [Proven] or [Suspected]
	Evidence  string `json:"evidence"`  // what was seen or recomputed
	Fix       string `json:"fix"`       // what to do next
}

// How sure a cause is. A proven cause is a fact about the request, or
// recomputing under it gives the very value; a suspected one is a guess.
const (
	Proven    = "proven"
	Suspected = "suspected"
)

// Codes of causes. Those that begin with body, secret, content, digest and
// encoding say what went into the value, compared with what should have.
const (
	CodeHeaderRepeated        = "header_repeated"
	CodeHeaderTooLong         = "header_too_long"
	CodeHeaderOther           = "header_other"
	CodeTripleIncomplete      = "triple_incomplete"
	CodeSchemeOther           = "scheme_other"
	CodeAsymmetric            = "signature_asymmetric"
	CodeSecretOverlap         = "secret_overlap"
	CodeTimestampUnreadable   = "timestamp_unreadable"
	CodeTimestampMilliseconds = "timestamp_milliseconds"
	CodeTimestampStale        = "timestamp_stale"
	CodeTimestampFuture       = "timestamp_future"

	CodeBodyCompact        = "body_compact"
	CodeBodySpaced         = "body_spaced"
	CodeBodyIndented       = "body_indented"
	CodeBodyUnescaped      = "body_unescaped"
	CodeBodyEscapedHTML    = "body_escaped_html"
	CodeBodyEscapedUnicode = "body_escaped_unicode"
	CodeBodyEscapedSlashes = "body_escaped_slashes"
	CodeBodyNumbers        = "body_numbers"
	CodeBodyKeys           = "body_keys"
	CodeBodyEmptyObjects   = "body_empty_objects"
	CodeBodyPlusNewline    = "body_plus_newline"
	CodeBodyMinusNewline   = "body_minus_newline"
	CodeBodyTrimmed        = "body_trimmed"
	CodeBodyCRLF           = "body_crlf"
	CodeBodyLF             = "body_lf"
	CodeBodyPlusBOM        = "body_plus_bom"
	CodeBodyMinusBOM       = "body_minus_bom"
	CodeBodyForm           = "body_form"
	CodeBodyNotForm        = "body_not_form"
	CodeBodyGzip           = "body_gzip"
	CodeBodyGunzip         = "body_gunzip"
	CodeBodyEmpty          = "body_empty"
	CodeBodyObjectText     = "body_object_text"
	CodeBodyQuoted         = "body_quoted"
	CodeBodyUnquoted       = "body_unquoted"
	CodeBodyBase64         = "body_base64"
	CodeBodyNotBase64      = "body_not_base64"
	CodeBodyCharset        = "body_charset"
	CodeBodyPart           = "body_part"
	CodeBodyRewritten      = "body_rewritten"
	CodeBodyDiffers        = "body_differs"

	CodeSecretOther        = "secret_other"
	CodeSecretRotated      = "secret_rotated"
	CodeSecretPrefixKept   = "secret_prefix_kept"
	CodeSecretPrefixCut    = "secret_prefix_cut"
	CodeSecretHexDecoded   = "secret_hex_decoded"
	CodeSecretHexEncoded   = "secret_hex_encoded"
	CodeSecretBase64Read   = "secret_base64_decoded"
	CodeSecretBase64Text   = "secret_base64_encoded"
	CodeSecretPlusNewline  = "secret_plus_newline"
	CodeSecretPlusBlanks   = "secret_plus_blanks"
	CodeSecretTrimmed      = "secret_trimmed"
	CodeSecretCase         = "secret_case"
	CodeSecretQuoted       = "secret_quoted"
	CodeSecretEmpty        = "secret_empty"
	CodeContentBodyAlone   = "content_body_alone"
	CodeContentTriple      = "content_triple"
	CodeContentNoID        = "content_without_id"
	CodeContentNoTimestamp = "content_without_timestamp"
	CodeContentNoBody      = "content_without_body"
	CodeContentOrder       = "content_order"
	CodeContentSeparator   = "content_separator"
	CodeContentMillis      = "content_milliseconds"
	CodeContentSeconds     = "content_seconds"

	CodeDigestSHA1   = "digest_sha1"
	CodeDigestSHA512 = "digest_sha512"
	CodeDigestOther  = "digest_other"
	CodeDigestPlain  = "digest_without_key"
	CodeDigestJoined = "digest_joined"
	CodeDigestTurned = "digest_turned_round"

	CodeEncodingHex       = "encoding_hex"
	CodeEncodingBase64    = "encoding_base64"
	CodeEncodingURL       = "encoding_base64url"
	CodeEncodingUnpadded  = "encoding_unpadded"
	CodeEncodingUpper     = "encoding_upper_case"
	CodeEncodingPrefix    = "encoding_prefix"
	CodeEncodingTwice     = "encoding_twice"
	CodeEncodingQuoted    = "encoding_quoted"
	CodeEncodingNoVersion = "encoding_without_version"
	CodeValueMalformed    = "value_malformed"

	CodeBodyMembers       = "body_members"
	CodeBodyTypes         = "body_types"
	CodeBodyNulls         = "body_nulls"
	CodeBodyDates         = "body_dates"
	CodeBodyStrings       = "body_strings"
	CodeBodyPadded        = "body_padded"
	CodeBodyCut           = "body_cut"
	CodeBodyUTF16         = "body_utf16"
	CodeBodyNormalized    = "body_normalized"
	CodeBodyHexText       = "body_hex"
	CodeBodyEntities      = "body_html_escaped"
	CodeBodyNotEntities   = "body_not_html_escaped"
	CodeBodyBytesText     = "body_bytes_printed"
	CodeBodyNotBytesText  = "body_not_bytes_printed"
	CodeBodyEscaped       = "body_escaped"
	CodeBodyNotEscaped    = "body_not_escaped"
	CodeBodyRequoted      = "body_requoted"
	CodeBodyPrinted       = "body_printed"
	CodeBodyNotPrinted    = "body_not_printed"
	CodeBodyChunked       = "body_chunked"
	CodeBodyNotChunked    = "body_not_chunked"
	CodeBodyNotMultipart  = "body_not_multipart"
	CodeBodyNotRequest    = "body_not_request"
	CodeSecretLine        = "secret_line"
	CodeSecretBOM         = "secret_bom"
	CodeSecretMissing     = "secret_missing"
	CodeSecretCut         = "secret_cut"
	CodeSecretHashed      = "secret_hashed"
	CodeContentID         = "content_id"
	CodeContentTimestamp  = "content_timestamp"
	CodeContentMissing    = "content_missing"
	CodeContentOther      = "content_other_scheme"
	CodeContentHashed     = "content_hashed"
	CodeEncodingCut       = "encoding_cut"
	CodeEncodingLabelled  = "encoding_labelled"
	CodeEncodingSeparated = "encoding_separated"
	CodeEncodingListed    = "encoding_listed"
	CodeEncodingPercent   = "encoding_percent"
	CodeEncodingBytesText = "encoding_bytes_printed"

	CodeComputedRight   = "computed_right"
	CodeComputedUnknown = "computed_unknown"
	CodeUnknown         = "unknown"
)

// CodeInfo documents a code.
type CodeInfo struct {
	Code    string
	Meaning string // what is the case
	Fix     string // what to do about it
}

// What the fixes of several codes say.
const (
	fixRaw     = "hash the bytes as they came in, before any parser, framework or editor touches them; verify-signature --framework NAME shows the line to change"
	fixKey     = "use all characters of the secret as UTF-8 bytes; only for whsec_… cut the prefix and decode the rest as base64"
	fixText    = "pass the secret on exactly as it was shown, with nothing around it"
	fixContent = "sign id.timestamp.body for webhook-signature and the body alone for Signature, each as it stands in the request"
	fixDigest  = "compute HMAC-SHA256 with the secret as the key and the content as the message"
	fixWritten = "write Signature as 64 lower-case hex digits, and webhook-signature as v1, and padded standard base64"
)

// Codes returns every code in the order of the documentation.
func Codes() []CodeInfo { return append([]CodeInfo(nil), codes...) }

var codes = []CodeInfo{
	{CodeHeaderRepeated, "a signature header stands there more than once, so that two readers could each believe another one", "send each signature header once"},
	{CodeHeaderTooLong, "a signature header is longer than any signature", "send the signature alone in its header"},
	{CodeHeaderOther, "the right value stands in another header", "read the signature from the header that carries it, Signature or webhook-signature"},
	{CodeTripleIncomplete, "webhook-signature came without webhook-id or webhook-timestamp", "pass all three headers on, webhook-id, webhook-timestamp and webhook-signature"},
	{CodeSchemeOther, "the request is rightly signed in the other scheme", "verify the scheme that is valid, or both headers with the values of one request"},
	{CodeAsymmetric, "webhook-signature holds an Ed25519 signature (v1a,), which a public key verifies and no secret does", "give the sender's public key, whpk_…, as --secret; beside it --secret may give the secret for v1,"},
	{CodeSecretOverlap, "the triple is valid and Signature is not, as in a rotation: until the overlap ends Signature keeps the old secret", "give both secrets, --secret @new.txt --secret @old.txt, or --webhook NAME, which knows both; a receiver that has the new secret alone should check webhook-signature"},
	{CodeTimestampUnreadable, "webhook-timestamp is not whole Unix seconds", "send the time in whole seconds since 1970"},
	{CodeTimestampMilliseconds, "webhook-timestamp is in milliseconds", "send the time in whole seconds since 1970: divide by 1000"},
	{CodeTimestampStale, "the request was signed longer ago than the tolerance", "check the receiver's clock, or what held the request up; judge a recorded request with --at or --tolerance none"},
	{CodeTimestampFuture, "the request was signed in the future, further than the tolerance", "check the receiver's clock against a time server"},

	{CodeBodyCompact, "the body as JSON without blanks was signed", fixRaw},
	{CodeBodySpaced, "the body as JSON with a blank after each comma and colon was signed", fixRaw},
	{CodeBodyIndented, "the body as indented JSON was signed", fixRaw},
	{CodeBodyUnescaped, "the body with its escapes resolved was signed", fixRaw},
	{CodeBodyEscapedHTML, "the body with <, >, & or line separators escaped was signed, as Go writes JSON", fixRaw},
	{CodeBodyEscapedUnicode, "the body with characters beyond ASCII as \\u escapes was signed, as Python and PHP write JSON", fixRaw},
	{CodeBodyEscapedSlashes, "the body with slashes as \\/ was signed, as PHP writes JSON", fixRaw},
	{CodeBodyNumbers, "the body with numbers in another notation was signed", fixRaw},
	{CodeBodyKeys, "the body with its keys in another order, or each once, was signed", fixRaw},
	{CodeBodyEmptyObjects, "the body with {} turned into [] was signed, as PHP's associative arrays do", fixRaw},
	{CodeBodyPlusNewline, "the body with one line break more at its end was signed", fixRaw},
	{CodeBodyMinusNewline, "the body without the line break at its end was signed", fixRaw},
	{CodeBodyTrimmed, "the body without the blanks around it was signed", fixRaw},
	{CodeBodyCRLF, "the body with CRLF for each LF was signed", fixRaw},
	{CodeBodyLF, "the body with LF for each CRLF was signed", fixRaw},
	{CodeBodyPlusBOM, "the body with a byte order mark in front was signed", fixRaw},
	{CodeBodyMinusBOM, "the body without its byte order mark was signed", fixRaw},
	{CodeBodyForm, "the body as form data was signed", fixRaw},
	{CodeBodyNotForm, "what the form data holds was signed", fixRaw},
	{CodeBodyGzip, "the compressed body was signed", "sign and verify the body as it is, before it is compressed or after it is decompressed"},
	{CodeBodyGunzip, "the decompressed body was signed", "sign and verify the body as it is, before it is compressed or after it is decompressed"},
	{CodeBodyEmpty, "no body was signed", "read the raw body before another reader consumes it, and rewind it for those that follow"},
	{CodeBodyObjectText, "[object Object] was signed, the text of a JavaScript object", fixRaw},
	{CodeBodyQuoted, "the body as a JSON string was signed", fixRaw},
	{CodeBodyUnquoted, "the text inside the JSON string was signed", fixRaw},
	{CodeBodyBase64, "the body as base64 was signed", "decode what the gateway encoded (isBase64Encoded) before hashing, and hash bytes, not their base64"},
	{CodeBodyNotBase64, "what the base64 holds was signed", "decode what the gateway encoded (isBase64Encoded) before hashing"},
	{CodeBodyCharset, "the body in another character encoding was signed", fixRaw},
	{CodeBodyPart, "one member of the body was signed", "hash the whole body, not a part of it"},
	{CodeBodyRewritten, "the body is what a JSON library makes of the one that was sent", fixRaw},
	{CodeBodyDiffers, "the body is not the one that was sent", fixRaw},

	{CodeSecretOther, "another secret that is known here was used", "use the secret of this webhook"},
	{CodeSecretRotated, "a secret that was rotated out was used", "use the current secret; `sealpost webhook rotate` shows a new one once"},
	{CodeSecretPrefixKept, "a prefix that is no part of the key was taken into it", fixKey},
	{CodeSecretPrefixCut, "the prefix of the secret was cut, but the rest not decoded", fixKey},
	{CodeSecretHexDecoded, "the bytes that the secret spells in hex were used", fixKey},
	{CodeSecretHexEncoded, "the key as hex text was used", fixKey},
	{CodeSecretBase64Read, "the bytes that the secret spells in base64 were used", fixKey},
	{CodeSecretBase64Text, "the key as base64 text was used", fixKey},
	{CodeSecretPlusNewline, "the secret with a line break at its end was used", fixText},
	{CodeSecretPlusBlanks, "the secret with blanks around it was used", fixText},
	{CodeSecretTrimmed, "the secret without the blanks around it was used", fixText},
	{CodeSecretCase, "the secret in other case was used", fixText},
	{CodeSecretQuoted, "the secret with, or without, quotes around it was used", fixText},
	{CodeSecretEmpty, "an empty secret was used", "check that the variable or file that holds the secret is read"},
	{CodeContentBodyAlone, "the body alone was signed", fixContent},
	{CodeContentTriple, "id.timestamp.body was signed", fixContent},
	{CodeContentNoID, "the id is missing from what was signed", fixContent},
	{CodeContentNoTimestamp, "the timestamp is missing from what was signed", fixContent},
	{CodeContentNoBody, "the body is missing from what was signed", fixContent},
	{CodeContentOrder, "id, timestamp and body were signed in another order", fixContent},
	{CodeContentSeparator, "id, timestamp and body were not joined by dots", fixContent},
	{CodeContentMillis, "the timestamp was signed in milliseconds", "use webhook-timestamp as it stands in the header, in seconds; never the receiver's own clock"},
	{CodeContentSeconds, "the timestamp was signed in seconds, but sent in milliseconds", "send the very timestamp that was signed, in seconds"},

	{CodeDigestSHA1, "HMAC-SHA1 was computed", fixDigest},
	{CodeDigestSHA512, "HMAC-SHA512 was computed", fixDigest},
	{CodeDigestOther, "HMAC with another hash was computed", fixDigest},
	{CodeDigestPlain, "SHA-256 without any key was computed", fixDigest},
	{CodeDigestJoined, "SHA-256 of the secret and the content joined was computed, not HMAC", fixDigest},
	{CodeDigestTurned, "the content was taken as the key, and the secret as the message", fixDigest},

	{CodeEncodingHex, "the value is hex where base64 is due", fixWritten},
	{CodeEncodingBase64, "the value is base64 where hex is due", fixWritten},
	{CodeEncodingURL, "the value is base64 of the URL alphabet", fixWritten},
	{CodeEncodingUnpadded, "the value is base64 without its padding", fixWritten},
	{CodeEncodingUpper, "the value is hex in upper case", fixWritten},
	{CodeEncodingPrefix, "the value has something like sha256= in front", fixWritten},
	{CodeEncodingTwice, "the hex digits were encoded as base64 once more", fixWritten},
	{CodeEncodingQuoted, "the value stands in quotes", fixWritten},
	{CodeEncodingNoVersion, "the value lacks v1, in front", fixWritten},
	{CodeValueMalformed, "the value can't be a signature", fixWritten},

	{CodeBodyMembers, "the body with other members was signed: some were left out, or are new", fixRaw},
	{CodeBodyTypes, "the body with values of another type was signed: \"5\" for 5", fixRaw},
	{CodeBodyNulls, "the body with empty texts for null, or the other way round, was signed", fixRaw},
	{CodeBodyDates, "the body with times in another notation was signed, such as .12Z for .120Z", fixRaw},
	{CodeBodyStrings, "the body with other texts was signed: trimmed, or escaped for HTML", fixRaw},
	{CodeBodyPadded, "the body with zero bytes at its end, or without them, was signed", fixRaw},
	{CodeBodyCut, "the body without its end was signed", fixRaw},
	{CodeBodyUTF16, "the body in UTF-16 was signed, or given", fixRaw},
	{CodeBodyNormalized, "the body with its accents composed or apart was signed", fixRaw},
	{CodeBodyHexText, "the body as hex digits was signed, or given", fixRaw},
	{CodeBodyEntities, "the body escaped for HTML was signed", fixRaw},
	{CodeBodyNotEntities, "the body given is escaped for HTML; it was signed before", fixRaw},
	{CodeBodyBytesText, "the text that a program prints for bytes was signed", fixRaw},
	{CodeBodyNotBytesText, "the body given is what a program prints for bytes; the bytes were signed", fixRaw},
	{CodeBodyEscaped, "the body was signed as a shell, a log or a table writes it", fixRaw},
	{CodeBodyNotEscaped, "the body given is written as by a shell, a log or a table; it was signed before", fixRaw},
	{CodeBodyRequoted, "the body given lost its double quotes in a shell; it was signed before", fixRaw},
	{CodeBodyPrinted, "what a program prints for the parsed body was signed", fixRaw},
	{CodeBodyNotPrinted, "the body given is what a program prints for an object; its JSON was signed", fixRaw},
	{CodeBodyChunked, "the body in the chunks of HTTP/1.1 was signed", fixRaw},
	{CodeBodyNotChunked, "the body given is in the chunks of HTTP/1.1; it was signed without them", fixRaw},
	{CodeBodyNotMultipart, "the body given is multipart/form-data; the content of a part was signed", fixRaw},
	{CodeBodyNotRequest, "the body given is a whole HTTP request; its body was signed", fixRaw},
	{CodeSecretLine, "the name in front of the secret (NAME=…) was taken into it, or not cut", fixText},
	{CodeSecretBOM, "a byte order mark stands in front of the secret, or UTF-16 was used", fixText},
	{CodeSecretMissing, "the text of a missing value, such as undefined, was used as the secret", "check that the variable or file that holds the secret is read"},
	{CodeSecretCut, "a part of the secret was used", fixText},
	{CodeSecretHashed, "a hash of the secret was used as the key", fixKey},
	{CodeContentID, "another id than webhook-id was signed", fixContent},
	{CodeContentTimestamp, "another notation of the timestamp than the header has was signed", fixContent},
	{CodeContentMissing, "the text of a missing value, such as undefined, was signed for id or timestamp", "read webhook-id and webhook-timestamp from the request's headers, by lower-case names where the framework gives them so"},
	{CodeContentOther, "the content of another sender's scheme was signed", fixContent},
	{CodeContentHashed, "the hash of the body was signed instead of the body", fixContent},
	{CodeEncodingCut, "the value lost its end or its beginning", fixWritten},
	{CodeEncodingLabelled, "the value has a name in front, as a command prints it", fixWritten},
	{CodeEncodingSeparated, "the value has characters between its digits, or in place of others", fixWritten},
	{CodeEncodingListed, "several values are joined with something else than blanks", fixWritten},
	{CodeEncodingPercent, "the value is percent-encoded, or + became a blank", fixWritten},
	{CodeEncodingBytesText, "the value is what a program prints for bytes", fixWritten},

	{CodeComputedRight, "the computed value is right", "compare in constant time, the values alone, and the computed one with the one received in the same request"},
	{CodeComputedUnknown, "no known mistake gives the computed value", "print what goes into the HMAC, the key's length and the content's, and compare with `sealpost sign`"},
	{CodeUnknown, "no known mistake gives the received value", "check that it is this webhook's secret, and that body and headers are those of one request, unchanged; `sealpost delivery get ID --print http` shows what was sent"},
}

var fixes = func() map[string]string {
	m := make(map[string]string, len(codes))
	for _, c := range codes {
		m[c.Code] = c.Fix
	}
	return m
}()

func proven(code, format string, args ...any) Cause {
	return Cause{code, Proven, fmt.Sprintf(format, args...), fixes[code]}
}

func suspected(code, format string, args ...any) Cause {
	return Cause{code, Suspected, fmt.Sprintf(format, args...), fixes[code]}
}
