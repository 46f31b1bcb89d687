// The stand-in for Twilio's API takes messages as Twilio does and sends them nowhere, so that a Twilio channel can be tried
// without an account: start the server with TWILIO_BASE_URL pointing here.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/switchhook/switchhook/connectors/twilio/twiliotest"
)

func main() {
	port := flag.Int("port", 9998, "where to listen on this machine")
	flag.Parse()
	fake, err := twiliotest.NewServerAt(net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer fake.Close()
	fmt.Println("pretending to be Twilio at " + fake.URL)
	for n := 1; ; n++ {
		sent, err := fake.WaitSent(context.Background(), n)
		if err != nil {
			return
		}
		one := sent[n-1]
		fmt.Printf("%s from %s to %s: %s\n", one.SID, one.From, one.To, one.Body)
	}
}
