package live

import (
	"encoding/json"
	"fmt"
)

const (
	// maxNames is how many of one account and topic are named within a window; more are "several". A page cannot show more in that time.
	maxNames = 16
	// maxChanges is how many changes one Redis message carries.
	maxChanges = 256
	// maxMessage is the longest Redis message that is read, in bytes: far above maxChanges of maxNames each.
	maxMessage = 4 << 20
)

// name is one row that has changed.
type name struct {
	ID  string `json:"i"`
	Ref string `json:"r,omitempty"`
}

// change is what has changed of one account and topic. No names: several.
type change struct {
	Account string `json:"a"`
	Topic   string `json:"t"`
	Names   []name `json:"n,omitempty"`
}

// ring is a Redis message. Seq grows by one with each of its Origin, so that who misses one knows.
type ring struct {
	Origin  string   `json:"o"`
	Seq     int64    `json:"s"`
	Changes []change `json:"c,omitempty"`
}

func encodeRing(r ring) ([]byte, error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode ring: %w", err)
	}
	return raw, nil
}

// parseRing reads a Redis message. Other software may publish on the channel, and another version of this one: what this version does not know is
// an error, which counts as a gap.
func parseRing(raw string) (ring, error) {
	var r ring
	if len(raw) > maxMessage {
		return r, fmt.Errorf("read ring: %d bytes", len(raw))
	}
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return ring{}, fmt.Errorf("read ring: %w", err)
	}
	if r.Origin == "" || r.Seq <= 0 || len(r.Changes) > maxChanges {
		return ring{}, fmt.Errorf("read ring: origin %q, number %d, %d changes", r.Origin, r.Seq, len(r.Changes))
	}
	for _, c := range r.Changes {
		if c.Account == "" || !known(c.Topic) || len(c.Names) > maxNames {
			return ring{}, fmt.Errorf("read ring: topic %q, %d names", c.Topic, len(c.Names))
		}
		for _, n := range c.Names {
			if n.ID == "" {
				return ring{}, fmt.Errorf("read ring: topic %q has a name without id", c.Topic)
			}
		}
	}
	return r, nil
}
