package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/listen"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/webhook"
)

const listenUsage = `listen takes: --to http://localhost:3000/hook, and sends there what happens from now on, signed as a webhook's deliveries are.

  --events       only these, such as message.received,message.status (else all)
  --channels     only of these channels, by id (else of all)
  --format       switchhook (else), whathooks, socialsyncer or sociocs
  --reply        send the replies that the answers ask for; else they are only shown
  --send         one event and no more: evt_… again, or the sample of a type, such as message.received
  --secret-file  a file that holds the secret, whsec_… (else a new one, which is shown)
  --url          the server (BASE_URL, else http://localhost:PORT)
  --key-file     a file that holds an API key (else ` + keySetting + `, or the file that ` + keySetting + `_FILE names)`

// listenTo sends the events of a server to a program on this machine, while one develops it.
func listenTo(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("listen", flag.ContinueOnError)
	flags.Usage = func() { _, _ = fmt.Fprintln(flags.Output(), listenUsage) }
	to := flags.String("to", "", "where events are sent")
	events := flags.String("events", "", "types of events, with commas")
	channels := flags.String("channels", "", "ids of channels, with commas")
	format := flags.String("format", webhook.FormatSwitchhook, "format of the bodies")
	reply := flags.Bool("reply", false, "send replies")
	send := flags.String("send", "", "one event")
	secretFile := flags.String("secret-file", "", "a file that holds the secret")
	address := flags.String("url", "", "the server")
	keyFile := flags.String("key-file", "", "a file that holds an API key")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case flags.NArg() > 0 || *to == "":
		return fmt.Errorf("%w: %s", errUsage, listenUsage)
	}
	server, err := serverOptions(*address, *keyFile)
	if err != nil {
		return err
	}
	o := listen.Options{
		URL: server.URL, Key: server.Key, Out: server.Out, Every: server.Every, Now: time.Now, Target: *to, Format: *format,
		Events: separate(*events), Channels: separate(*channels), Reply: *reply, Secret: secret.NewWebhookSecret(),
	}
	if *secretFile != "" {
		text, err := os.ReadFile(*secretFile)
		if err != nil {
			return fmt.Errorf("read --secret-file: %w", err)
		}
		o.Secret = secret.String(strings.TrimSpace(string(text)))
	}
	if *send != "" {
		err = listen.Send(ctx, o, *send)
	} else {
		err = listen.Listen(ctx, o)
	}
	if errors.Is(err, listen.ErrOptions) {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	return err
}

// separate returns the words of a list with commas.
func separate(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
