// The receiver shows what a webhook gets, and answers as it is told: a stand-in for a workflow while one tries things out.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	port := flag.Int("port", 9999, "where to listen on this machine")
	answer := flag.String("answer", "{}", `what to answer, such as {"reply": "Thanks!"}`)
	status := flag.Int("status", http.StatusOK, "the status to answer")
	secret := flag.String("secret", "", "the webhook's secret (whsec_…); with it each signature is checked")
	flag.Parse()
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return
		}
		fmt.Printf("\n%s %s %s\n", time.Now().Format("15:04:05.000"), r.Header.Get("X-Switchhook-Event"), r.URL.Path)
		for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "X-Switchhook-Signature", "X-Switchhook-Delivery"} {
			if value := r.Header.Get(name); value != "" {
				fmt.Printf("  %s: %s\n", name, value)
			}
		}
		if *secret != "" {
			fmt.Printf("  signature is right: %v\n", verify(body, r.Header.Get("X-Switchhook-Signature"), *secret))
		}
		fmt.Printf("  %s\n", body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(*status)
		_, _ = io.WriteString(w, *answer) // whether it arrived is the sender's business
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(*port))
	fmt.Println("waiting for events at http://" + address)
	server := &http.Server{Addr: address, Handler: http.HandlerFunc(handler), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

// verify is all that a receiver has to do with X-Switchhook-Signature: the hex HMAC-SHA256 of the raw body, with the secret as it was shown.
func verify(body []byte, header, secret string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hmac.Equal([]byte("sha256="+hex.EncodeToString(mac.Sum(nil))), []byte(header))
}
