package web

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sources are the templates and the Go files of the dashboard, as one text each.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && (strings.HasSuffix(name, ".html") || strings.HasSuffix(name, ".go")) && !strings.HasSuffix(name, "_test.go") {
			raw, err := os.ReadFile(name)
			all[name] = string(raw)
			return err
		}
		return err
	}))
	return all
}

func TestEveryTextThatIsAskedForIsThere(t *testing.T) {
	t.Parallel()
	known, err := readTexts()
	require.NoError(t, err)
	asked := regexp.MustCompile(`(?:\bt |\btext\(|\bsay\(|\btell\()"([a-z]+\.[A-Za-z0-9_.]+)"`)
	count := 0
	for name, source := range sources(t) {
		for _, found := range asked.FindAllStringSubmatch(source, -1) {
			count++
			require.Contains(t, known, found[1], name)
		}
	}
	require.Greater(t, count, 50)
}

func TestEveryTextIsUsed(t *testing.T) {
	t.Parallel()
	known, err := readTexts()
	require.NoError(t, err)
	var all strings.Builder
	for _, source := range sources(t) {
		all.WriteString(source)
	}
	// A key may be put together: of "status.read" the first part then stands as "status." in a source.
	prefixes := regexp.MustCompile(`"([a-z]+\.[A-Za-z0-9.]*)"`).FindAllStringSubmatch(all.String(), -1)
	for key := range known {
		if strings.Contains(all.String(), `"`+key+`"`) {
			continue
		}
		used := false
		for _, prefix := range prefixes {
			used = used || (strings.HasSuffix(prefix[1], ".") || known[prefix[1]] == "") && strings.HasPrefix(key, prefix[1])
		}
		require.True(t, used, "%s is used nowhere", key)
	}
}

func TestNoWordOfAPageStandsInATemplate(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`>[^<{]*[A-Za-z]{3,}[^<{]*<`)
	allowed := regexp.MustCompile(`Switchhook|^>[\s·:]*<`)
	for name, source := range sources(t) {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		plain := regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllString(source, "")
		for _, found := range word.FindAllString(plain, -1) {
			if strings.Contains(found, `="`) {
				continue // attributes of a part
			}
			require.Regexp(t, allowed, found, "%s: sentences stand in texts/", name)
		}
	}
}

func TestNoTemplateHasScriptOrStyleInIt(t *testing.T) {
	t.Parallel()
	inline := regexp.MustCompile(`(?i)\son[a-z]+="|\sstyle="|<style|<script>|javascript:|hx-on`)
	for name, source := range sources(t) {
		if strings.HasSuffix(name, ".html") {
			require.NotRegexp(t, inline, source, name)
		}
	}
}
