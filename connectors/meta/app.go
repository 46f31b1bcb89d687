package meta

import (
	"encoding/json"

	"github.com/switchhook/switchhook/connectors"
)

// The objects that callbacks concern.
const (
	ObjectPage      = "page"
	ObjectInstagram = "instagram"
	ObjectWhatsApp  = "whatsapp_business_account"
)

// Parser turns one entry of a callback into items. Events of unknown types are no items; an error, which is *connectors.Error and
// Rejected, refuses the whole callback.
type Parser = func(entry json.RawMessage) ([]connectors.AppItem, error)

// App takes the callbacks of an app of Meta's: one address for all Pages, Instagram accounts and WhatsApp numbers. It is safe for
// concurrent use.
type App struct {
	options Options
	parsers map[string]Parser
}

var _ connectors.AppReceiver = (*App)(nil)

// NewApp makes an App. parsers are by object; of options only AppSecret and VerifyToken matter.
func NewApp(options Options, parsers map[string]Parser) *App {
	return &App{options: options, parsers: parsers}
}

// ReceiveApp verifies a callback and sorts its items by channel, each channel once.
func (a *App) ReceiveApp(request connectors.CallbackRequest) (connectors.AppResult, error) {
	body, response, err := Answer(a.options.AppSecret, a.options.VerifyToken, request)
	if err != nil || body == nil {
		return connectors.AppResult{Response: response}, err
	}
	items, err := Items(body, a.parsers)
	return connectors.AppResult{Items: items, Response: response}, err
}

// Items reads a verified callback: any number of entries, each given to the parser of the callback's object. What several entries bring for
// one channel becomes one item, in its order. Objects without a parser have no items. A body that is no callback is Rejected.
func Items(body []byte, parsers map[string]Parser) ([]connectors.AppItem, error) {
	var callback struct {
		Object string            `json:"object"`
		Entry  []json.RawMessage `json:"entry"`
	}
	if err := json.Unmarshal(body, &callback); err != nil {
		rejected := connectors.Rejected("invalid_callback", "The callback is not JSON in the form of Meta's Webhooks.", "")
		rejected.Err = err
		return nil, rejected
	}
	parse := parsers[callback.Object]
	if parse == nil {
		return nil, nil
	}
	var items []connectors.AppItem
	for _, entry := range callback.Entry {
		more, err := parse(entry)
		if err != nil {
			return nil, err
		}
		items = append(items, more...)
	}
	return merge(items), nil
}

func merge(items []connectors.AppItem) []connectors.AppItem {
	type channel struct{ kind, address string }
	var merged []connectors.AppItem
	at := map[channel]int{}
	for _, item := range items {
		key := channel{item.Kind, item.Address}
		i, ok := at[key]
		if !ok {
			at[key] = len(merged)
			merged = append(merged, item)
			continue
		}
		merged[i].Messages = append(merged[i].Messages, item.Messages...)
		merged[i].Statuses = append(merged[i].Statuses, item.Statuses...)
	}
	return merged
}

// Receive takes a callback that came to a channel's own address: of its items those that are of the channel. secret and verifyToken are
// the channel's, or the app's where it has none.
func Receive(secret, verifyToken string, request connectors.CallbackRequest, parsers map[string]Parser, kind, address string) (connectors.CallbackResult, error) {
	body, response, err := Answer(secret, verifyToken, request)
	if err != nil || body == nil {
		return connectors.CallbackResult{Response: response}, err
	}
	items, err := Items(body, parsers)
	if err != nil {
		return connectors.CallbackResult{}, err
	}
	result := connectors.CallbackResult{Response: response}
	for _, item := range items {
		if item.Kind == kind && item.Address == address {
			result.Messages, result.Statuses = item.Messages, item.Statuses
		}
	}
	return result, nil
}
