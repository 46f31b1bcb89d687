package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/integrations/samples"
)

// TestTheEventsThatDocumentsShowAreTheGoldenOnes holds every JSON block that shows an event against the sample of integrations/samples. A
// page may leave fields out, and none that it shows may differ.
func TestTheEventsThatDocumentsShowAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	found := pages(t)
	require.NoError(t, filepath.WalkDir("integrations", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if err == nil && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	}))
	block := regexp.MustCompile("(?s)```json\n(.*?)```")
	compared := 0
	for _, page := range found {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, match := range block.FindAllSubmatch(text, -1) {
			var shown map[string]any
			if json.Unmarshal(match[1], &shown) != nil {
				continue // a part of something, or a request with placeholders
			}
			name, _ := shown["event"].(string)
			raw, known := samples.Sample(name)
			if !known || shown["data"] == nil {
				continue
			}
			compared++
			var golden map[string]any
			require.NoError(t, json.Unmarshal(raw, &golden))
			within(t, golden, shown, page+": "+name)
		}
	}
	require.GreaterOrEqual(t, compared, 2, "the events are found at all")
}

// within requires that what is shown is a part of the golden value.
func within(t *testing.T, golden, shown any, where string) {
	t.Helper()
	part, isObject := shown.(map[string]any)
	if !isObject {
		require.Equal(t, golden, shown, where)
		return
	}
	whole, isObject := golden.(map[string]any)
	require.True(t, isObject, where)
	for name, value := range part {
		require.Contains(t, whole, name, where)
		within(t, whole[name], value, where+"."+name)
	}
}
