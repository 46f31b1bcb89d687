package x_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/x/xtest"
)

func TestAPostIsFoundAsXKeepsIt(t *testing.T) {
	t.Parallel()
	short := map[string]string{"https://t.co/abc": "https://a.example/b?c=d"}
	for name, test := range map[string]struct {
		theirs xtest.Post
		ours   connectors.OutPost
		found  bool
		unsure bool
	}{
		"the same":                 {theirs: xtest.Post{Text: "Hello <b> & \"you\""}, ours: connectors.OutPost{Text: "Hello <b> & \"you\""}, found: true},
		"white space":              {theirs: xtest.Post{Text: "a b"}, ours: connectors.OutPost{Text: "a\nb "}, found: true},
		"an address":               {theirs: xtest.Post{Text: "See https://a.example/b?c=d", Links: short}, ours: connectors.OutPost{Text: "See https://a.example/b?c=d"}, found: true},
		"an address without a key": {theirs: xtest.Post{Text: "See https://t.co/abc"}, ours: connectors.OutPost{Text: "See https://a.example/b?c=d"}, unsure: true},
		"a picture":                {theirs: xtest.Post{Text: "Cat", MediaIDs: []string{"3_1"}}, ours: connectors.OutPost{Text: "Cat", Media: make([]connectors.PostMedia, 1)}, found: true},
		"a picture alone":          {theirs: xtest.Post{MediaIDs: []string{"3_1"}}, ours: connectors.OutPost{Media: make([]connectors.PostMedia, 1)}, found: true},
		"another number":           {theirs: xtest.Post{Text: "Cat", MediaIDs: []string{"3_1"}}, ours: connectors.OutPost{Text: "Cat"}, unsure: true},
		"other letters":            {theirs: xtest.Post{Text: "Good bye"}, ours: connectors.OutPost{Text: "Hello"}},
		"other signs":              {theirs: xtest.Post{Text: "Hello!"}, ours: connectors.OutPost{Text: "Hello"}, unsure: true},
		"a reply":                  {theirs: xtest.Post{Text: "Hello", ReplyTo: "9"}, ours: connectors.OutPost{Text: "Hello"}},
		"the right reply":          {theirs: xtest.Post{Text: "Hello", ReplyTo: "9"}, ours: connectors.OutPost{Text: "Hello", ReplyTo: "9"}, found: true},
		"made long before":         {theirs: xtest.Post{Text: "Hello", CreatedAt: clock().Add(-2 * time.Minute)}, ours: connectors.OutPost{Text: "Hello"}},
		"by a clock that is slow":  {theirs: xtest.Post{Text: "Hello", CreatedAt: clock().Add(-30 * time.Second)}, ours: connectors.OutPost{Text: "Hello"}, found: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := newFake(t)
			if test.theirs.CreatedAt.IsZero() {
				test.theirs.CreatedAt = clock()
			}
			fake.Add(test.theirs)
			fake.Add(xtest.Post{Text: "Something else", CreatedAt: clock().Add(time.Second)})
			test.ours.StartedAt = clock()
			published, found, err := open(t, fake, config(), nil).(connectors.PostFinder).FindPost(t.Context(), test.ours)
			if test.unsure {
				requireKind(t, err, connectors.KindRetryable, "provider_unavailable")
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.found, found)
			if found {
				require.Equal(t, connectors.Published{ProviderID: "100", URL: "https://x.com/alice/status/100"}, published)
			}
		})
	}
}

func TestASearchEndsAtTheFirstPostsOfAllAndAfterThreePages(t *testing.T) {
	t.Parallel()
	for posts, certain := range map[int]bool{0: true, 250: true, 300: true, 301: false} {
		fake := newFake(t)
		for i := range posts {
			fake.Add(xtest.Post{Text: fmt.Sprintf("Number %d", i), CreatedAt: clock()})
		}
		finder := open(t, fake, signedConfig(), nil).(connectors.PostFinder)
		_, found, err := finder.FindPost(t.Context(), connectors.OutPost{Text: "Hello", StartedAt: clock()})
		require.False(t, found)
		require.Equal(t, certain, err == nil, posts)
	}
}

func TestAnAppThatMayNotReadCannotSay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path   string
		status int
		body   string
	}{
		{"/2/users/7/tweets", 403, `{"type":"https://api.x.com/2/problems/client-forbidden","detail":"no"}`},
		{"/2/users/7/tweets", 200, "<html>"},
		{"/2/users/7/tweets", 200, `{}`},
		{"/2/users/7/tweets", 200, `{"errors":[{"detail":"no"}]}`},
		{"/2/users/7/tweets", 402, `{}`},
		{"/2/users/me", 403, `{}`},
	} {
		fake := newFake(t)
		fake.Answer(test.path, test.status, test.body)
		_, found, err := open(t, fake, config(), nil).(connectors.PostFinder).FindPost(t.Context(), connectors.OutPost{Text: "Hello", StartedAt: clock()})
		require.Error(t, err)
		require.False(t, found)
		require.NotEqual(t, connectors.KindUnconfirmed, connectors.AsError(err).Kind)
	}
}
