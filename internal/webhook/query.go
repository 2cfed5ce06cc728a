package webhook

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// EventQuery asks for events, the newest first. Zero fields don't limit.
type EventQuery struct {
	Organization string
	Type         string
	State        EventState
	Transaction  string // transaction id
	Publisher    string // only those of this token
	Since        time.Time
	Cursor       string // where the last page ended
	Limit        int
}

// DeliveryQuery asks for deliveries, those of the newest events first. Zero
// fields don't limit.
type DeliveryQuery struct {
	Organization string
	Event        string
	Webhook      string
	Publisher    string // only those of events of this token
	Type         string
	State        DeliveryState
	Since        time.Time
	Cursor       string
	Limit        int
}

// MaxPage bounds a page, DefaultPage is one that nobody asked to be larger.
const (
	MaxPage     = 1000
	DefaultPage = 50
)

// Page bounds a limit.
func Page(limit int) int {
	if limit <= 0 {
		return DefaultPage
	}
	return min(limit, MaxPage)
}

// EncodeCursor writes a place in a list of deliveries as text,
// opaque to clients.
func EncodeCursor(key DeliveryKey) string {
	return strings.TrimPrefix(key.String(), deliveryPrefix)
}

// DecodeCursor reads a cursor. An empty one is the zero key: the beginning.
func DecodeCursor(text string) (DeliveryKey, error) {
	if text == "" {
		return DeliveryKey{}, nil
	}
	key, err := ParseDeliveryKey(deliveryPrefix + text)
	if err != nil {
		return key, Errorf(CodeBadRequest, fmt.Sprintf("cursor %s is none of ours", quote(text))).WithHint("take it from the page before, as it is")
	}
	return key, nil
}

// EncodeEventCursor writes a place in a list of events.
func EncodeEventCursor(seq int64) string { return strconv.FormatInt(seq, 36) }

// DecodeEventCursor reads a cursor in a list of events; 0 is the beginning.
func DecodeEventCursor(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	seq, err := strconv.ParseInt(text, 36, 64)
	if err != nil || seq <= 0 || strconv.FormatInt(seq, 36) != text {
		return 0, Errorf(CodeBadRequest, fmt.Sprintf("cursor %s is none of ours", quote(text))).WithHint("take it from the page before, as it is")
	}
	return seq, nil
}
