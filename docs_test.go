package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/all"
	"github.com/switchhook/switchhook/internal/config"
	"github.com/switchhook/switchhook/internal/event"
)

// pages returns the Markdown files of the root and of docs.
func pages(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir("docs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
			found = append(found, path)
		}
		return err
	}))
	return found
}

// links returns the targets of a page's links and pictures that are not addresses, without code.
func links(text string) []string {
	code := regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	link := regexp.MustCompile(`\]\(<?([^)>\s]+)|(?m)^\[[^]]+\]:\s*(\S+)`)
	var targets []string
	for _, match := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
		target := match[1] + match[2]
		if !regexp.MustCompile(`^(https?|mailto):`).MatchString(target) {
			targets = append(targets, target)
		}
	}
	return targets
}

// anchors returns the fragments by which a page's headings can be linked to, as GitHub makes them.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(match[1]), "")
		found[strings.ReplaceAll(kept, " ", "-")] = true
	}
	return found
}

func TestEveryLinkInTheDocumentsLeadsSomewhere(t *testing.T) {
	t.Parallel()
	read := func(path string) string {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(text)
	}
	linked := 0
	for _, page := range pages(t) {
		for _, target := range links(read(page)) {
			linked++
			file, fragment, _ := strings.Cut(target, "#")
			path := page
			if file != "" {
				path = filepath.Join(filepath.Dir(page), filepath.FromSlash(file))
				_, err := os.Stat(path)
				require.NoError(t, err, "%s links to %s", page, target)
			}
			if fragment != "" && filepath.Ext(path) == ".md" {
				require.True(t, anchors(read(path))[fragment], "%s links to %s, and there is no such heading", page, target)
			}
		}
	}
	require.Greater(t, linked, 10, "the links are found at all")
}

func TestLinksAreFoundWhereverTheyStand(t *testing.T) {
	t.Parallel()
	text := "[a](a.md) and [b](docs/b.md#c-d \"title\"), ![p](p.png), [out](https://example.com/), [here](#x), `[no](no.md)`\n```\n[no](no.md)\n```\n[ref]: r.md\n"
	require.Equal(t, []string{"a.md", "docs/b.md#c-d", "p.png", "#x", "r.md"}, links(text))
	require.Equal(t, map[string]bool{"whats-new-in-v1": true}, anchors("# What's `new` in /v1?\n"))
}

func TestThePageOnWebhooksNamesEveryEvent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/webhooks.md")
	require.NoError(t, err)
	for _, known := range event.Types() {
		require.Contains(t, string(text), "`"+known.Event+"`")
	}
}

// TestTheExampleFileShowsEverySettingOfTheConnectors compares .env.example with what the connectors read, both ways, and takes its values as they are.
func TestTheExampleFileShowsEverySettingOfTheConnectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(".env.example")
	require.NoError(t, err)
	_, part, found := strings.Cut(string(text), "# What follows is read by the connectors")
	require.True(t, found)
	read := all.Settings()
	linked := slices.ContainsFunc(read, func(name string) bool { return strings.HasPrefix(name, "WHATSAPP_") })
	var shown []string
	environment := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^# \S.+\.\n# Accepts \S.+\.\n#([A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(part, -1) {
		if strings.HasPrefix(row[1], "WHATSAPP_") && !linked {
			continue // a build with the tag nowhatsapp
		}
		shown = append(shown, row[1])
		environment[row[1]] = row[2]
	}
	require.ElementsMatch(t, read, shown, "what is missing belongs in internal/config/networks.go; then: go test ./internal/config -update")
	settings, err := config.Load(environment, read...)
	require.NoError(t, err)
	require.NoError(t, all.AddLinked(map[string]connectors.Connector{}, settings.Setting))
}

// TestEveryPageIsReachedFromTheReadme follows the links between pages; a link to a folder shows all of its pages, as GitHub lists them.
func TestEveryPageIsReachedFromTheReadme(t *testing.T) {
	t.Parallel()
	existing := pages(t)
	reached := map[string]bool{"README.md": true}
	for open := []string{"README.md"}; len(open) > 0; open = open[1:] {
		text, err := os.ReadFile(open[0])
		require.NoError(t, err)
		for _, target := range links(string(text)) {
			file, _, _ := strings.Cut(target, "#")
			path := filepath.Join(filepath.Dir(open[0]), filepath.FromSlash(file))
			for _, page := range existing {
				if file != "" && !reached[page] && (page == path || filepath.Dir(page) == path) {
					reached[page] = true
					open = append(open, page)
				}
			}
		}
	}
	for _, page := range existing {
		require.True(t, reached[page], "no page that the README leads to links to %s", page)
	}
}

// TestEveryDirectDependencySaysWhyItIsThere compares go.mod with docs/dependencies.md, both ways.
func TestEveryDirectDependencySaysWhyItIsThere(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	page, err := os.ReadFile("docs/dependencies.md")
	require.NoError(t, err)
	var direct []string
	for _, row := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		direct = append(direct, row[1])
	}
	require.NotEmpty(t, direct)
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\| ((?:[a-z0-9.]+\.[a-z]+/)[^|]*) \|`).FindAllStringSubmatch(string(page), -1) {
		named = append(named, strings.Split(row[1], ", ")...)
	}
	require.ElementsMatch(t, direct, named)
}
