// Signup is the stranger of the stories: signup SERVER DIGIT SLUG signs in as a wallet,
// makes an organization, and prints status and body of the answer. With - for SLUG it
// prints the cookie of the session. The wallet's key is 64 times the digit; the domain of
// the sign-in is app.example.com.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: signup SERVER DIGIT SLUG")
		os.Exit(2)
	}
	server, digit, slug := os.Args[1], os.Args[2], os.Args[3]
	if err := signUp(server, digit, slug); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func signUp(server, digit, slug string) error {
	w, err := access.ParseWallet(secret.New(strings.Repeat(digit, 64)))
	if err != nil {
		return err
	}
	_, _, nonce, err := postTo(server+"/api/auth/siwe/nonce", "{}", "")
	if err != nil {
		return err
	}
	var given struct{ Nonce string }
	if err := json.Unmarshal(nonce, &given); err != nil {
		return err
	}
	message := access.Message{Domain: "app.example.com", Address: w.Address, URI: "https://app.example.com", ChainID: 1, Nonce: given.Nonce, IssuedAt: access.At(time.Now())}
	signature, err := w.Sign(message.String())
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"message": message.String(), "signature": signature.String()})
	if err != nil {
		return err
	}
	_, header, answer, err := postTo(server+"/api/auth/siwe/verify", string(body), "")
	if err != nil {
		return err
	}
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	if cookie == "" {
		return fmt.Errorf("no session: %s", answer)
	}
	if slug == "-" {
		fmt.Println(cookie)
		return nil
	}
	status, _, answer, err := postTo(server+"/api/auth/organization/create", fmt.Sprintf(`{"name":"A stranger","slug":%q}`, slug), cookie)
	if err == nil {
		fmt.Println(status, string(answer))
	}
	return err
}

// postTo returns the status, the headers and the whole body of the answer.
func postTo(url, body, cookie string) (status int, header http.Header, answer []byte, err error) {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewBufferString(body)) //nolint:noctx // the script's time bounds it
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header, answer, err
}
