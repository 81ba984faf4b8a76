// What a small Go team would put in front of a bot: a reverse proxy that checks the HMAC over the raw body.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"
)

type options struct {
	Secret  string `json:"secret"`
	BotPort int    `json:"botPort"`
}

const maxBodyBytes = 8 << 20

func verified(secret []byte, body []byte, header string) bool {
	digest, found := strings.CutPrefix(header, "sha256=")
	given, err := hex.DecodeString(digest)
	if !found || err != nil {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return hmac.Equal(mac.Sum(nil), given)
}

func checked(secret []byte, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		if !verified(secret, body, r.Header.Get("X-Hub-Signature-256")) {
			http.Error(w, "signature", http.StatusUnauthorized)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		next.ServeHTTP(w, r)
	})
}

func main() {
	var given options
	if err := json.Unmarshal([]byte(os.Args[1]), &given); err != nil {
		panic(err)
	}
	bot := &url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", given.BotPort)}
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(bot) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 128, IdleConnTimeout: 4 * time.Second, DisableCompression: true},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: checked([]byte(given.Secret), proxy), ReadHeaderTimeout: 10 * time.Second}
	panic(server.Serve(listener))
}
