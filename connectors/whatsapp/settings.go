package whatsapp

import (
	"net/url"
	"strconv"
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// Keys of the settings of a session.
const (
	fieldProxy         = "proxy"
	fieldReceiveOwn    = "receiveOwn"
	fieldReceiveGroups = "receiveGroups"
	fieldReceiveStatus = "receiveStatus"
	fieldTyping        = "typing"
	fieldSendGap       = "sendGap"
	fieldCheckNumbers  = "checkNumbers"
)

// settings is a session's configuration, read.
type settings struct {
	proxy         string        // socks5:// or http://, or empty
	receiveOwn    bool          // messages that the owner writes on the phone come in, marked fromMe
	receiveGroups bool          // messages in groups come in
	receiveStatus bool          // stories come in
	typing        bool          // "typing…" is shown before a message
	checkNumbers  bool          // a number is looked up before the first message to it
	sendGap       time.Duration // between two messages; the core's sender keeps it
}

// readSettings reads a configuration that has passed ValidateConfig. What is not set has the fields' defaults.
func readSettings(config connectors.Config) settings {
	on := func(key string, standard bool) bool {
		if value, ok := config[key]; ok {
			return value == "true"
		}
		return standard
	}
	gap, err := strconv.Atoi(config[fieldSendGap])
	if err != nil {
		gap = 2
	}
	return settings{
		proxy:         config[fieldProxy],
		receiveOwn:    on(fieldReceiveOwn, false),
		receiveGroups: on(fieldReceiveGroups, true),
		receiveStatus: on(fieldReceiveStatus, false),
		typing:        on(fieldTyping, true),
		checkNumbers:  on(fieldCheckNumbers, true),
		sendGap:       time.Duration(gap) * time.Second,
	}
}

func fields() []connectors.Field {
	return []connectors.Field{
		{
			Key: fieldProxy, Label: "Proxy", Type: connectors.FieldText, Secret: true, Pattern: `(socks5|http)://[^\s/?#]+/?`,
			Placeholder: "socks5://user:password@proxy.example.com:1080",
			Help:        "Where the connection to WhatsApp is to go through a proxy: socks5:// or http://, with user and password where it asks for them.",
		},
		yesNo(fieldReceiveOwn, "Own messages", "false", "Messages that you write on your phone come in too, marked fromMe."),
		yesNo(fieldReceiveGroups, "Group messages", "true", "Messages in groups come in."),
		yesNo(fieldReceiveStatus, "Status posts", "false", "The status posts of your contacts come in."),
		yesNo(fieldTyping, "Show typing", "true", "The other side sees “typing…” for a moment before a message."),
		{
			Key: fieldSendGap, Label: "Seconds between messages", Type: connectors.FieldText, Default: "2", Pattern: `[0-9]|[1-5][0-9]|60`,
			Help: "0 to 60. It varies by up to 40 percent. WhatsApp bans numbers that send like a machine.",
		},
		yesNo(fieldCheckNumbers, "Check numbers", "true", "A number that has no WhatsApp is refused before anything is sent."),
	}
}

func yesNo(key, label, standard, help string) connectors.Field {
	return connectors.Field{Key: key, Label: label, Type: connectors.FieldSelect, Options: []string{"true", "false"}, Default: standard, Help: help}
}

// parseProxy reads the address of a proxy; empty is none. The error names the field and never shows the address, which may hold a password.
func parseProxy(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // no proxy is no error
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "socks5" && u.Scheme != "http") || u.Hostname() == "" || (u.Path != "" && u.Path != "/") {
		return nil, connectors.Rejected("invalid_field",
			"Proxy must be an address like socks5://user:password@proxy.example.com:1080 or http://proxy.example.com:3128.", fieldProxy)
	}
	return u, nil
}
