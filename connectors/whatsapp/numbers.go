package whatsapp

import (
	"container/list"
	"context"
	"errors"
	"sync"
	"time"

	"go.mau.fi/whatsmeow/types"

	"github.com/switchhook/switchhook/connectors"
)

const (
	maxNumbers   = 50               // of one CheckNumbers
	checkTimeout = 20 * time.Second // for WhatsApp's answer; it normally takes less than one
	knownNumbers = 4096             // kept in memory, some 200 bytes each
	presentFor   = 24 * time.Hour   // how long "is on WhatsApp" is believed
	absentFor    = 10 * time.Minute // how long "is not" is: people who were just told will correct it
)

// numberFact is what WhatsApp said of a phone number.
type numberFact struct {
	exists bool
	jid    types.JID // by the number as WhatsApp knows it, which is not always the one that was asked for (Brazil, Mexico, Argentina)
	name   string    // the verified name of a business
}

// numberCache keeps what WhatsApp said of phone numbers, the numbers used last, for a time.
type numberCache struct {
	mu      sync.Mutex
	entries map[string]*list.Element // of *cachedNumber
	recent  *list.List               // the one used last is in front
}

type cachedNumber struct {
	digits string
	fact   numberFact
	until  time.Time
}

func newNumberCache() *numberCache {
	return &numberCache{entries: map[string]*list.Element{}, recent: list.New()}
}

func (c *numberCache) get(digits string, now time.Time) (numberFact, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element := c.entries[digits]
	if element == nil {
		return numberFact{}, false
	}
	entry, ok := element.Value.(*cachedNumber)
	if !ok || !now.Before(entry.until) {
		c.recent.Remove(element)
		delete(c.entries, digits)
		return numberFact{}, false
	}
	c.recent.MoveToFront(element)
	return entry.fact, true
}

func (c *numberCache) put(digits string, fact numberFact, now time.Time) {
	lasts := absentFor
	if fact.exists {
		lasts = presentFor
	}
	entry := &cachedNumber{digits: digits, fact: fact, until: now.Add(lasts)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if element := c.entries[digits]; element != nil {
		element.Value = entry
		c.recent.MoveToFront(element)
		return
	}
	c.entries[digits] = c.recent.PushFront(entry)
	if c.recent.Len() <= knownNumbers {
		return
	}
	if oldest, ok := c.recent.Remove(c.recent.Back()).(*cachedNumber); ok {
		delete(c.entries, oldest.digits)
	}
}

// checkNumbers tells which phone numbers have an account, of at most 50. What cannot be a phone number has none. Errors: as of queryError.
func (o *outbound) checkNumbers(ctx context.Context, numbers []string) ([]connectors.NumberCheck, error) {
	if len(numbers) > maxNumbers {
		return nil, connectors.Rejected("too_many_numbers", "At most 50 numbers can be checked at once.", "numbers")
	}
	asked := make([]string, 0, len(numbers))
	for _, number := range numbers {
		if digits := connectors.Digits(number); isPhone(digits) {
			asked = append(asked, digits)
		}
	}
	facts, err := o.askNumbers(ctx, asked)
	if err != nil {
		return nil, err
	}
	checks := make([]connectors.NumberCheck, len(numbers))
	for i, number := range numbers {
		checks[i].Number = number
		if fact := facts[connectors.Digits(number)]; fact.exists {
			checks[i].Exists, checks[i].Address, checks[i].Name = true, fact.jid.User, fact.name
		}
	}
	return checks, nil
}

// askNumbers asks WhatsApp about phone numbers, given in digits, and remembers the answers. It changes nothing for anybody.
func (o *outbound) askNumbers(ctx context.Context, digits []string) (map[string]numberFact, error) {
	facts := make(map[string]numberFact, len(digits))
	if len(digits) == 0 {
		return facts, nil
	}
	if err := o.ready(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	numbers := make([]string, 0, len(digits))
	for _, number := range digits {
		if _, repeated := facts[number]; !repeated {
			facts[number] = numberFact{} // WhatsApp may leave out whom it does not know
			numbers = append(numbers, "+"+number)
		}
	}
	answers, err := o.client.IsOnWhatsApp(ctx, numbers)
	if err != nil {
		return nil, queryError(err)
	}
	for _, answer := range answers {
		number := connectors.Digits(answer.Query)
		if _, ours := facts[number]; !ours || !answer.IsIn {
			continue
		}
		fact := numberFact{exists: true, jid: answer.PhoneNumber.ToNonAD()}
		if fact.jid.IsEmpty() {
			fact.jid = answer.JID.ToNonAD()
		}
		if fact.jid.Server != types.DefaultUserServer { // known by LID alone
			fact.jid = types.NewJID(number, types.DefaultUserServer)
		}
		if answer.VerifiedName != nil {
			fact.name = answer.VerifiedName.Details.GetVerifiedName()
		}
		facts[number] = fact
	}
	now := o.now()
	for number, fact := range facts {
		o.numbers.put(number, fact, now)
	}
	return facts, nil
}

// resolve returns the JID that a message goes to. A phone number that this device has had nothing to do with is looked up first, where the
// session's settings want it: writing to numbers that do not exist is what WhatsApp bans for.
func (o *outbound) resolve(ctx context.Context, to recipient) (types.JID, error) {
	if !to.number || !o.checksNumbers {
		return to.jid, nil
	}
	fact, known := o.numbers.get(to.jid.User, o.now())
	if !known {
		if !o.lidOf(ctx, to.jid).IsEmpty() {
			return to.jid, nil
		}
		facts, err := o.askNumbers(ctx, []string{to.jid.User})
		if err != nil {
			return types.JID{}, unchecked(err)
		}
		fact = facts[to.jid.User]
	}
	if !fact.exists {
		return types.JID{}, noAccount()
	}
	return fact.jid, nil
}

// unchecked says that a number could not be looked up.
func unchecked(err error) error {
	var failed *connectors.Error
	if errors.As(err, &failed) && failed.Kind == connectors.KindRetryable && failed.Code != connectors.CodeNotConnected {
		failed.Message = "WhatsApp did not say whether this number has an account, and the message was not sent. Try again in a moment."
	}
	return err
}

// lidOf returns the LID of a person whose phone number is given, as far as this device knows it; else an empty JID. It asks the database only.
func (o *outbound) lidOf(ctx context.Context, jid types.JID) types.JID {
	if jid.Server != types.DefaultUserServer {
		return types.JID{}
	}
	lid, err := o.client.Store.LIDs.GetLIDForPN(ctx, jid)
	if err != nil { // then the phone number has to do
		return types.JID{}
	}
	return lid.ToNonAD()
}

// byLID returns the JID by which WhatsApp itself names a person today: the LID where it is known, else what was given.
func (o *outbound) byLID(ctx context.Context, jid types.JID) types.JID {
	if lid := o.lidOf(ctx, jid); !lid.IsEmpty() {
		return lid
	}
	return jid
}
