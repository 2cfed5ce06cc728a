// A receiver of sealpost's webhooks: Go 1.22 or newer, the standard library.
//
//	HOOK_SECRET=… INBOX=inbox PORT=8080 go run receiver.go
//
// While a secret is rotated, HOOK_SECRET holds the old and the new one, separated by a space.
package main

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	tolerance = 5 * time.Minute // that a request may be old, or ahead
	limit     = 2 << 20         // bytes of a body
)

type receiver struct {
	inbox string
	keys  [][]byte
}

// keyOf: the text itself is the key, all 64 characters; after whsec_ it is base64.
func keyOf(secret string) ([]byte, error) {
	if encoded, found := strings.CutPrefix(secret, "whsec_"); found {
		key, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(key) == 0 {
			return nil, errors.New("a secret in HOOK_SECRET is not base64 after whsec_")
		}
		return key, nil
	}
	return []byte(secret), nil
}

func digest(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// verify says what is wrong with a request. Body must be the bytes as they came, not what a JSON parser made of them.
func (r *receiver) verify(headers http.Header, body []byte, now time.Time) error {
	id, at := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	plain, _ := hex.DecodeString(headers.Get("Signature"))
	var offered [][]byte
	for _, one := range strings.Fields(headers.Get("webhook-signature")) {
		if encoded, found := strings.CutPrefix(one, "v1,"); found {
			if signature, err := base64.StdEncoding.DecodeString(encoded); err == nil {
				offered = append(offered, signature)
			}
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if id == "" || err != nil || len(plain) == 0 || len(offered) == 0 {
		return errors.New("a signature header is missing")
	}
	fits, fitsTriple := false, false
	for _, key := range r.keys {
		fits = fits || hmac.Equal(digest(key, body), plain) // takes as long wherever the two differ
		want := digest(key, []byte(id+"."+at+"."), body)
		for _, signature := range offered {
			fitsTriple = fitsTriple || hmac.Equal(want, signature)
		}
	}
	if !fits {
		return errors.New("the header Signature does not fit")
	}
	if !fitsTriple {
		return errors.New("the header webhook-signature does not fit")
	}
	if age := now.Sub(time.Unix(seconds, 0)).Abs(); age > tolerance {
		return errors.New("too old, or from the future")
	}
	return nil
}

// store keeps an event under its id, once: a second one with that id finds the name taken. Work on what is in the inbox afterwards,
// so that the answer does not wait for it.
func (r *receiver) store(id string, body []byte) error {
	file, err := os.CreateTemp(r.inbox, ".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(body)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	name := sha256.Sum256([]byte(id))
	err = os.Link(file.Name(), filepath.Join(r.inbox, hex.EncodeToString(name[:])+".json"))
	if errors.Is(err, fs.ErrExist) {
		return nil // a duplicate, which was stored before
	}
	return err
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, limit))
	if err != nil {
		http.Error(w, "too large, or cut", http.StatusRequestEntityTooLarge)
		return
	}
	if err := r.verify(request.Header, body, time.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if err := r.store(request.Header.Get("webhook-id"), body); err != nil {
		log.Print(err) // not stored, so not 2xx: it will be sent again
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func run() error {
	r := &receiver{inbox: cmp.Or(os.Getenv("INBOX"), "inbox")}
	for _, secret := range strings.Fields(os.Getenv("HOOK_SECRET")) {
		key, err := keyOf(secret)
		if err != nil {
			return err
		}
		r.keys = append(r.keys, key)
	}
	if len(r.keys) == 0 {
		return errors.New("HOOK_SECRET is empty: nothing could be verified")
	}
	if err := os.MkdirAll(r.inbox, 0o700); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"))
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: r, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
	return server.Serve(listener)
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
