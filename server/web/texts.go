package web

import (
	"embed"
	"encoding/json"
	"fmt"
)

// textFiles are all sentences of the dashboard, one file for each screen. Keys are "<screen>.<name>".
//
//go:embed texts/*.json
var textFiles embed.FS

// texts are sentences by key.
type texts map[string]string

func readTexts() (texts, error) {
	entries, err := textFiles.ReadDir("texts")
	if err != nil {
		return nil, fmt.Errorf("list texts: %w", err)
	}
	all := texts{}
	for _, entry := range entries {
		raw, err := textFiles.ReadFile("texts/" + entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read texts: %w", err)
		}
		var some map[string]string
		if err := json.Unmarshal(raw, &some); err != nil {
			return nil, fmt.Errorf("read texts/%s: %w", entry.Name(), err)
		}
		for key, text := range some {
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("read texts/%s: %s is there twice", entry.Name(), key)
			}
			all[key] = text
		}
	}
	return all, nil
}

// text is the sentence of a key, with arguments for its verbs. A key that is not there is shown as it is; a test finds it.
func (w *Web) text(key string, arguments ...any) string {
	text, known := w.texts[key]
	if !known {
		return key
	}
	if len(arguments) == 0 {
		return text
	}
	return fmt.Sprintf(text, arguments...)
}
