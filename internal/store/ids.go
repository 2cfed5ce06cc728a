package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"

	"sealpost/internal/webhook"
)

// Numbers of events and webhooks count the whole file: two of them tell a tenant
// how much everybody publishes. So ids of deliveries and cursors leave the program
// encrypted, under keys that the file keeps for itself.
//
// An id is one AES block over the delivery's three numbers: it is as long for
// every delivery, and the same each time. A cursor is encrypted and authenticated
// for its organization and its kind of list, under an IV that is the
// authenticator (as SIV does it): nobody can make one up.

const purposeIDs = "ids"

// ids encrypts ids of deliveries and cursors. The key is read on first use.
type ids struct {
	mu      sync.Mutex
	block   cipher.Block // of ids
	cursor  cipher.Block
	mac     []byte // of cursors
	numbers int64  // last event of which ids with plain numbers were given out
}

// load reads the key.
func (c *ids) load(ctx context.Context, s *Store) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.block != nil {
		return nil
	}
	key, err := s.idKey(ctx)
	if err != nil {
		return err
	}
	if err := s.row(ctx, `SELECT n FROM plain_ids`, nil, &c.numbers); err != nil {
		return fault(s.path, err)
	}
	derive := func(what string) []byte {
		sum := hmac.New(sha256.New, key)
		_, _ = sum.Write([]byte(what)) // never fails
		return sum.Sum(nil)
	}
	if c.cursor, err = aes.NewCipher(derive("cursor")); err != nil {
		return err
	}
	c.mac = derive("cursor authenticator")
	c.block, err = aes.NewCipher(derive("delivery"))
	return err
}

// idKey is the key of ids and cursors. A glance can't make it; there is nothing
// to name in a file that does not have it yet.
func (s *Store) idKey(ctx context.Context) (key []byte, err error) {
	if s.writer != nil {
		return s.Key(ctx, purposeIDs)
	}
	err = s.row(ctx, `SELECT value FROM key WHERE purpose = ?`, []any{purposeIDs}, &key)
	return key, fault(s.path, err)
}

const deliveryPrefix = "dlv_"

var idText = base32.HexEncoding.WithPadding(base32.NoPadding) //nolint:gochecknoglobals // read only

// The widths of the numbers in an id, in bytes.
const (
	eventBytes   = 8
	webhookBytes = 5
	runBytes     = 3
)

// DeliveryID is the public id of a delivery. An error says that the file's key
// can't be read or made.
func (s *Store) DeliveryID(ctx context.Context, key webhook.DeliveryKey) (string, error) {
	if err := s.ids.load(ctx, s); err != nil {
		return "", err
	}
	return s.ids.delivery(key), nil
}

// delivery is the id, once the key is loaded.
func (c *ids) delivery(key webhook.DeliveryKey) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(key.Event))
	for i := range webhookBytes {
		b[eventBytes+i] = byte(key.Webhook >> (8 * (webhookBytes - 1 - i)))
	}
	for i := range runBytes {
		b[eventBytes+webhookBytes+i] = byte(key.Run >> (8 * (runBytes - 1 - i)))
	}
	c.block.Encrypt(b[:], b[:])
	return deliveryPrefix + strings.ToLower(idText.EncodeToString(b[:]))
}

// DeliveryKey reads the public id of a delivery. Ids of plain numbers, which older
// versions gave out, are read too: all of them with plain, else those of events
// that were there when this version came. Somebody who may ask for any number
// could find out the number of an event of theirs, and with it how many the file
// has. The error of an id that no delivery has is [webhook.CodeNotFound].
func (s *Store) DeliveryKey(ctx context.Context, id string, plain bool) (key webhook.DeliveryKey, err error) {
	if err := s.ids.load(ctx, s); err != nil {
		return key, err
	}
	rest, found := strings.CutPrefix(id, deliveryPrefix)
	if raw, err := idText.DecodeString(strings.ToUpper(rest)); found && err == nil && len(raw) == aes.BlockSize {
		s.ids.block.Decrypt(raw, raw)
		key.Event = int64(binary.BigEndian.Uint64(raw))
		for i := range webhookBytes {
			key.Webhook = key.Webhook<<8 | int64(raw[eventBytes+i])
		}
		for i := range runBytes {
			key.Run = key.Run<<8 | int64(raw[eventBytes+webhookBytes+i])
		}
		if s.ids.delivery(key) == id {
			return key, nil
		}
	}
	if key, err = webhook.ParseDeliveryKey(id); err == nil && !plain && key.Event > s.ids.numbers {
		err = webhook.NoDelivery(id)
	}
	return key, err
}

// Kinds of lists; a cursor belongs to one.
const (
	eventList    = 'e'
	deliveryList = 'd'
	missingList  = 'm'
)

// seal makes a cursor of numbers.
func (c *ids) seal(ctx context.Context, s *Store, kind byte, org int64, numbers ...int64) (string, error) {
	if err := c.load(ctx, s); err != nil {
		return "", err
	}
	text := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		text = binary.BigEndian.AppendUint64(text, uint64(n))
	}
	iv := c.authenticator(kind, org, text)
	out := make([]byte, aes.BlockSize+len(text))
	copy(out, iv)
	cipher.NewCTR(c.cursor, iv).XORKeyStream(out[aes.BlockSize:], text)
	return base64.RawURLEncoding.EncodeToString(out), nil
}

func (c *ids) authenticator(kind byte, org int64, text []byte) []byte {
	sum := hmac.New(sha256.New, c.mac)
	_, _ = sum.Write(append(binary.BigEndian.AppendUint64([]byte{kind}, uint64(org)), text...)) // never fails
	return sum.Sum(nil)[:aes.BlockSize]
}

// open reads a cursor of so many numbers.
func (c *ids) open(ctx context.Context, s *Store, kind byte, org int64, cursor string, into ...*int64) error {
	if err := c.load(ctx, s); err != nil {
		return err
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) != aes.BlockSize+8*len(into) {
		return badCursor(cursor)
	}
	iv, text := raw[:aes.BlockSize], raw[aes.BlockSize:]
	cipher.NewCTR(c.cursor, iv).XORKeyStream(text, text)
	if !hmac.Equal(iv, c.authenticator(kind, org, text)) {
		return badCursor(cursor)
	}
	for i, n := range into {
		*n = int64(binary.BigEndian.Uint64(text[8*i:]))
	}
	return nil
}

// sealEvent makes a cursor of a list of events, which goes on below an event.
func (c *ids) sealEvent(ctx context.Context, s *Store, org, seq int64) (string, error) {
	return c.seal(ctx, s, eventList, org, seq)
}

// eventCursor reads a cursor of a list of events.
func (c *ids) eventCursor(ctx context.Context, s *Store, org int64, cursor string) (seq int64, err error) {
	return seq, c.open(ctx, s, eventList, org, cursor, &seq)
}

// sealDelivery makes a cursor of a list of deliveries, which goes on behind one.
func (c *ids) sealDelivery(ctx context.Context, s *Store, org int64, last webhook.DeliveryKey) (string, error) {
	return c.seal(ctx, s, deliveryList, org, last.Event, last.Webhook, last.Run)
}

// deliveryCursor reads a cursor of a list of deliveries.
func (c *ids) deliveryCursor(ctx context.Context, s *Store, org int64, cursor string) (last webhook.DeliveryKey, err error) {
	return last, c.open(ctx, s, deliveryList, org, cursor, &last.Event, &last.Webhook, &last.Run)
}

func badCursor(cursor string) error {
	if len(cursor) > 100 {
		cursor = cursor[:100] + "…"
	}
	return webhook.Errorf(webhook.CodeBadRequest, fmt.Sprintf("the cursor %q does not belong to this list", cursor)).Advise()
}
