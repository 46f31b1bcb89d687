package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/switchhook/switchhook/internal/config"
	"github.com/switchhook/switchhook/internal/linkcli"
	"github.com/switchhook/switchhook/internal/secret"
)

const (
	// keySetting is the variable that holds an API key for the commands that ask a server. A flag would show it to everybody who lists the
	// machine's processes.
	keySetting = "SWITCHHOOK_API_KEY"
	// newsEvery is how often a command asks for news: a code stands for 20 seconds.
	newsEvery = time.Second
)

const sessionsUsage = `sessions takes: link --name "my phone", link --session sess_…, or list.

  --url        the server (BASE_URL, else http://localhost:PORT)
  --key-file   a file that holds an API key (else ` + keySetting + `, or the file that ` + keySetting + `_FILE names)
  --phone      with link: a number in digits; the phone is linked by a code to type in instead of a QR code`

// errUsage marks a command line that cannot be understood.
var errUsage = errors.New("the command line cannot be used")

// sessions links a phone from the terminal, or lists the account's sessions. It asks a server that runs.
func sessions(ctx context.Context, args []string) error {
	if len(args) == 0 || (args[0] != "link" && args[0] != "list") {
		return fmt.Errorf("%w: %s", errUsage, sessionsUsage)
	}
	command, request := args[0], linkcli.Request{}
	flags := flag.NewFlagSet("sessions "+command, flag.ContinueOnError)
	flags.Usage = func() { _, _ = fmt.Fprintln(flags.Output(), sessionsUsage) }
	address := flags.String("url", "", "the server")
	keyFile := flags.String("key-file", "", "a file that holds an API key")
	if command == "link" {
		flags.StringVar(&request.Session, "session", "", "a session that there is")
		flags.StringVar(&request.Name, "name", "", "name of a session to make")
		flags.StringVar(&request.Phone, "phone", "", "number of the phone, for a code to type in")
	}
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case flags.NArg() > 0:
		return fmt.Errorf("%w: %s", errUsage, sessionsUsage)
	case command == "link" && (request.Session == "") == (request.Name == ""):
		return fmt.Errorf("%w: link takes either --session, to link one that there is, or --name, to make one", errUsage)
	}
	options, err := serverOptions(*address, *keyFile)
	if err != nil {
		return err
	}
	if command == "list" {
		return linkcli.List(ctx, options)
	}
	return linkcli.Link(ctx, options, request)
}

// serverOptions says which server to ask, and with which key.
func serverOptions(address, keyFile string) (linkcli.Options, error) {
	c, err := config.Load(config.Environment(), keySetting)
	if err != nil {
		return linkcli.Options{}, fmt.Errorf("the settings cannot be used:\n%w", err)
	}
	key := c.Setting(keySetting)
	if keyFile != "" {
		text, err := os.ReadFile(keyFile) //nolint:gosec // the user names the file
		if err != nil {
			return linkcli.Options{}, fmt.Errorf("read --key-file: %w", err)
		}
		key = strings.TrimSpace(string(text))
	}
	if key == "" {
		return linkcli.Options{}, fmt.Errorf("%w: give an API key in %s, or the name of a file that holds one with --key-file", errUsage, keySetting)
	}
	if address == "" {
		address = c.BaseURL
	}
	return linkcli.Options{URL: address, Key: secret.String(key), Out: os.Stdout, Every: newsEvery}, nil
}

// exitCode tells scripts apart what went wrong: 2 the command line, 3 the phone was not linked, 1 all else.
func exitCode(err error) int {
	switch {
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, linkcli.ErrNotLinked):
		return 3
	}
	return 1
}
