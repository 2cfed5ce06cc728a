package signature

import (
	"crypto/md5"  //nolint:gosec // recognised as a mistake, never used to sign
	"crypto/sha1" //nolint:gosec // recognised as a mistake, never used to sign
	"crypto/sha256"
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
	{sha1.Size, hmacWith(sha1.New), fault{CodeDigestSHA1, "by HMAC-SHA1 instead of HMAC-SHA256"}},
	{sha512.Size, hmacWith(sha512.New), fault{CodeDigestSHA512, "by HMAC-SHA512 instead of HMAC-SHA256"}},
	{sha512.Size384, hmacWith(sha512.New384), fault{CodeDigestOther, "by HMAC-SHA384 instead of HMAC-SHA256"}},
	{md5.Size, hmacWith(md5.New), fault{CodeDigestOther, "by HMAC-MD5 instead of HMAC-SHA256"}},
	{sha256.Size, func(_ []byte, parts ...[]byte) []byte { return plainSum(parts...) },
		fault{CodeDigestPlain, "by SHA-256 without any key"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(slices.Concat([][]byte{key}, parts)...) },
		fault{CodeDigestJoined, "by SHA-256 of the secret and the content behind it, not HMAC"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return plainSum(slices.Concat(parts, [][]byte{key})...) },
		fault{CodeDigestJoined, "by SHA-256 of the content and the secret behind it, not HMAC"}},
	{sha256.Size, func(key []byte, parts ...[]byte) []byte { return hmacSum(sha256.New, slices.Concat(parts...), key) },
		fault{CodeDigestTurned, "by HMAC-SHA256 with the content as the key and the secret as the message"}},
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
