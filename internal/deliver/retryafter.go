package deliver

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

// ParseRetryAfter reads a Retry-After header (RFC 9110, section 10.2.3): a
// number of seconds or an HTTP date. What does not fit, or lies in the past,
// is 0; nothing is longer than [webhook.MaxRetryAfter].
func ParseRetryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 64 {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > int64(webhook.MaxRetryAfter/time.Second) {
			return webhook.MaxRetryAfter // all digits, so it is only too large
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), webhook.MaxRetryAfter)
}
