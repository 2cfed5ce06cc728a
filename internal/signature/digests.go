package signature

import (
	"crypto/md5"  //nolint:gosec // recognised as a mistake, never used to sign
	"crypto/sha1" //nolint:gosec // recognised as a mistake, never used to sign
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"
	"slices"
)

// digestForm is a way to make a sum of key and content.
type digestForm struct {
	size  int // of the sum, in bytes
	sum   func(key []byte, parts ...[]byte) []byte
	fault fault // the zero fault for HMAC-SHA256
}

var rightDigest = digestForm{size: sha256.Size, sum: hmacWith(sha256.New)}

// wrongDigests are what gets computed instead of HMAC-SHA256.
var wrongDigests = []digestForm{
	{sha1.Size, hmacWith(sha1.New), fault{code: CodeDigestSHA1, what: "by HMAC-SHA1 instead of HMAC-SHA256"}},
	{sha512.Size, hmacWith(sha512.New), fault{code: CodeDigestSHA512, what: "by HMAC-SHA512 instead of HMAC-SHA256"}},
	{sha256.Size, func(_ []byte, parts ...[]byte) []byte { return plainSum(parts...) },
		fault{code: CodeDigestPlain, what: "by SHA-256 without any key"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(slices.Concat([][]byte{key}, parts)...) },
		fault{code: CodeDigestJoined, what: "by SHA-256 of the secret and the content behind it, not HMAC"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(slices.Concat(parts, [][]byte{key})...) },
		fault{code: CodeDigestJoined, what: "by SHA-256 of the content and the secret behind it, not HMAC"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return hmacSum(sha256.New, slices.Concat(parts...), key) },
		fault{code: CodeDigestTurned, what: "by HMAC-SHA256 with the content as the key and the secret as the message"}},
	{md5.Size, hmacWith(md5.New), fault{code: CodeDigestOther, what: "by HMAC-MD5 instead of HMAC-SHA256"}},
	{sha512.Size384, hmacWith(sha512.New384), fault{code: CodeDigestOther, what: "by HMAC-SHA384 instead of HMAC-SHA256"}},
	{sha512.Size256, hmacWith(sha512.New512_256), fault{code: CodeDigestOther, what: "by HMAC-SHA512/256 instead of HMAC-SHA256"}},
	{sha256.Size224, hmacWith(sha256.New224), fault{code: CodeDigestOther, what: "by HMAC-SHA224 instead of HMAC-SHA256"}},
	{sha256.Size, hmacWith(func() hash.Hash { return sha3.New256() }), fault{code: CodeDigestOther, what: "by HMAC-SHA3-256 instead of HMAC-SHA256"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(hmacSum(sha256.New, key, parts...)) },
		fault{code: CodeDigestOther, what: "by SHA-256 of the HMAC-SHA256, one hash too many"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(toHex(hmacSum(sha256.New, key, parts...))) },
		fault{code: CodeDigestOther, what: "by SHA-256 of the hex digits of the HMAC-SHA256, one hash too many"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return hmacSum(sha256.New, key, plainSum(parts...)) },
		fault{code: CodeDigestOther, what: "by HMAC-SHA256 of the SHA-256 of the content, one hash too many"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(key, []byte("."), slices.Concat(parts...)) },
		fault{code: CodeDigestJoined, what: "by SHA-256 of the secret, a dot and the content, not HMAC"}},
}

// isSum reports whether any of them makes sums of so many bytes.
func isSum(bytes int) bool {
	return bytes == rightDigest.size || slices.ContainsFunc(wrongDigests, func(d digestForm) bool { return d.size == bytes })
}

func hmacWith(algorithm func() hash.Hash) func([]byte, ...[]byte) []byte {
	return func(key []byte, parts ...[]byte) []byte { return hmacSum(algorithm, key, parts...) }
}

func plainSum(parts ...[]byte) []byte {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
