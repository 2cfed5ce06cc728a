#!/bin/sh
# A receiver of sealpost's webhooks: a POSIX shell and openssl, as a CGI program (RFC 3875) behind any web server that runs one:
# Apache, lighttpd, nginx with fcgiwrap, busybox httpd. The server hands over HOOK_SECRET and INBOX in the environment.
#
# While a secret is rotated, HOOK_SECRET holds the old and the new one, separated by a space.
set -euf
umask 077
tolerance=300 # seconds that a request may be old, or ahead
limit=2097152 # bytes of a body
inbox=${INBOX:-inbox}

answer() { # answer STATUS [TEXT], and leave
	printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s' "$1" "${2-}"
	exit 0
}

hex() { od -An -v -tx1 | tr -d ' \n'; }

# HMAC-SHA256 (RFC 2104) of standard input, in bytes. `openssl dgst -hmac KEY` would show the key to everybody who runs ps; here it
# only meets commands that are built into the shell.
hmac() { # hmac KEY-IN-HEX
	{ pad "$1" 92; { pad "$1" 54; cat; } | openssl dgst -sha256 -binary; } | openssl dgst -sha256 -binary
}

pad() { # pad KEY-IN-HEX NUMBER: the key on 64 bytes, each XOR the number
	left=$1 i=0
	while [ "$i" -lt 64 ]; do
		byte=0
		if [ -n "$left" ]; then
			rest=${left#??}
			byte=$((0x${left%"$rest"})) left=$rest
		fi
		byte=$((byte ^ $2))
		# shellcheck disable=SC2059 # the format is the byte, as an octal escape
		printf "\\$((byte >> 6))$((byte >> 3 & 7))$((byte & 7))"
		i=$((i + 1))
	done
}

bytes_of() { # the text itself is the key, all 64 characters; after whsec_ it is base64
	case $1 in
	whsec_*) printf %s "${1#whsec_}" | openssl base64 -d -A ;;
	*) printf %s "$1" ;;
	esac
}

key_of() { # key_of SECRET, in hex
	key=$(bytes_of "$1" | hex)
	[ "${#key}" -le 128 ] || key=$(bytes_of "$1" | openssl dgst -sha256 -binary | hex) # as RFC 2104 has it for long ones
	[ -n "$key" ] || answer "500 Internal Server Error"
}

# The shell compares texts up to where they differ, so it gets to see them under a key that nobody knows.
same() { [ "$(printf %s "$1" | hmac "$nonce" | hex)" = "$(printf %s "$2" | hmac "$nonce" | hex)" ]; }

[ "${REQUEST_METHOD-}" = POST ] || answer "405 Method Not Allowed"
[ -n "${HOOK_SECRET-}" ] || answer "500 Internal Server Error" # nothing could be verified
length=${CONTENT_LENGTH:-0} # the server has seen to it that this is a number
[ "${#length}" -lt 10 ] && [ "$length" -le "$limit" ] || answer "413 Content Too Large"

mkdir -p "$inbox"
body=$(mktemp "$inbox/.XXXXXXXX")
trap 'rm -f "$body"' EXIT
head -c "$length" >"$body" # the bytes as they came; a variable would lose line ends

id=${HTTP_WEBHOOK_ID-} at=${HTTP_WEBHOOK_TIMESTAMP-} offered=${HTTP_WEBHOOK_SIGNATURE-} plain=${HTTP_SIGNATURE-}
case $at in '' | 0?* | *[!0-9]* | ?????????????*) answer "401 Unauthorized" "a signature header is missing" ;; esac
[ -n "$id" ] && [ -n "$offered" ] && [ -n "$plain" ] || answer "401 Unauthorized" "a signature header is missing"

nonce=$(openssl rand -hex 32)
fits=no triple=no
for secret in $HOOK_SECRET; do
	key_of "$secret"
	if same "$(hmac "$key" <"$body" | hex)" "$plain"; then fits=yes; fi
	expected=v1,$({ printf '%s.%s.' "$id" "$at"; cat "$body"; } | hmac "$key" | openssl base64 -A)
	for one in $offered; do
		if same "$expected" "$one"; then triple=yes; fi
	done
done
[ "$fits" = yes ] || answer "401 Unauthorized" "the header Signature does not fit"
[ "$triple" = yes ] || answer "401 Unauthorized" "the header webhook-signature does not fit"
age=$(($(date +%s) - at))
[ "${age#-}" -le "$tolerance" ] || answer "401 Unauthorized" "too old, or from the future"

# An event is kept under its id, once: a second one with that id finds the name taken. Work on what is in the inbox afterwards, so that
# the answer does not wait for it.
stored=$inbox/$(printf %s "$id" | openssl dgst -sha256 -binary | hex).json
sync
ln "$body" "$stored" 2>/dev/null || [ -e "$stored" ] || answer "500 Internal Server Error" # not stored, so not 2xx: it will be sent again
answer "204 No Content"
