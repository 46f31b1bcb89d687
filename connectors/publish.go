package connectors

import (
	"context"
	"io"
	"time"
)

// AbilityPublish marks kinds whose channels publish posts: Publisher, and Info.Post describes what they take.
const AbilityPublish Ability = "publish"

// Codes of posts, beside those of errors.go.
const (
	CodeDuplicatePost = "duplicate_post"    // the network refuses the same post again
	CodeMediaRejected = "media_rejected"    // the network refuses a file: its type, size or content
	CodeQuotaExceeded = "quota_exceeded"    // the network's own limit for this account is used up for a while
	CodeScopeMissing  = "scope_missing"     // the credentials lack a permission; connect the channel again and grant it
	CodeUnexpected    = "unexpected_answer" // the network answered something that is not its API's, an HTML page for example
)

// Publisher is a Conn that publishes posts.
type Publisher interface {
	// Publish publishes one post and returns when the network has it. It makes the one request that makes a post public at most once:
	// repeating is the caller's decision. What comes before it (uploads, checks) may be repeated inside within ctx and fails as Retryable,
	// RateLimited or Rejected. Where the outcome of the one request is not known, the error is Unconfirmed. It must return soon after ctx ends,
	// which is minutes away: films take long.
	Publish(ctx context.Context, post OutPost) (Published, error)
}

// PostFinder is a Publisher that can look up whether a post whose outcome is not known is there.
type PostFinder interface {
	// FindPost looks for the post among the account's recent ones, made after OutPost.StartedAt. found is false where it is surely not
	// there; an error where that cannot be said.
	FindPost(ctx context.Context, post OutPost) (published Published, found bool, err error)
}

// PostLimiter is a Publisher whose network tells the limits of this very channel, as Mastodon's instances do.
type PostLimiter interface {
	// PostLimits asks the network. The caller keeps the answer for a while. Zero fields mean those of Info.Post.
	PostLimits(ctx context.Context) (PostLimits, error)
}

// Commenter is a Publisher that can write a first comment below a post of its own.
type Commenter interface {
	// Comment writes below a post. The rules are those of Publish. It returns the network's id of the comment.
	Comment(ctx context.Context, post Published, text string) (string, error)
}

// OutPost is a post for one channel, with its text as the channel takes it.
type OutPost struct {
	ID        string // ours, of post and channel: the same in every try, so that it serves as an idempotency key
	Title     string // plain text on one line; only where PostInfo.Title
	Text      string // rendered as PostInfo.Text says
	HTML      string // where PostInfo.Text is PostMarkdown: the same as sanitised HTML; empty where Text was made shorter or split
	Media     []PostMedia
	ReplyTo   string            // the network's id of the part before, where a long text is split; or empty
	StartedAt time.Time         // when the first try began
	Options   map[string]string // the channel's own options of this post, by PostInfo.Options

	// Begin must be called right before the one request that makes the post public, after all uploads and checks. It notes that
	// from here on the outcome may be unknown. Its error ends Publish: the post was cancelled, or belongs to another process by now.
	Begin func(ctx context.Context) error
}

// PostMedia is one file of a post. Its bytes are on this server.
type PostMedia struct {
	Kind        string // "image", "gif", "video"
	ContentType string // as found in the bytes
	FileName    string // made of letters that every network takes
	Size        int64  // bytes
	Alt         string // a description for those who do not see it; may be empty
	URL         string // a public address of it, for networks that fetch: PostInfo.Fetches

	// Open opens the bytes from their beginning; it may be called again. The caller closes it.
	Open func() (io.ReadSeekCloser, error)
}

// Published is a post as the network has it.
type Published struct {
	ProviderID string   // the network's id
	URL        string   // where people see it; empty where the network tells none
	Warnings   []string // sentences about what the network left out or changed
}

// The forms of text that networks take, PostInfo.Text.
const (
	PostPlain    = "plain"    // without markup; links stand as text and address
	PostMarkdown = "markdown" // CommonMark
	PostHTML     = "html"     // sanitised HTML
)

// The ways in which networks count a text, PostLimits.Counter.
const (
	CountRunes     = "runes"     // Unicode code points
	CountUTF16     = "utf16"     // UTF-16 units
	CountGraphemes = "graphemes" // what people see as one character
	CountX         = "x"         // weighted as X does
	CountMastodon  = "mastodon"  // code points, but URLs count PostLimits.URLLength and mentions without their server
)

// PostInfo describes what posts a kind of channel takes. GET /v1/connectors shows it.
type PostInfo struct {
	Text         string     `json:"text"`         // PostPlain, PostMarkdown or PostHTML
	Title        bool       `json:"title"`        // has a title beside its text
	TextRequired bool       `json:"textRequired"` // takes no post of media alone
	Split        bool       `json:"split"`        // takes a long text as several posts that answer each other: OutPost.ReplyTo
	FirstComment bool       `json:"firstComment"` // Commenter
	Fetches      bool       `json:"fetches"`      // fetches media itself, so that this server must be reachable from outside
	Limits       PostLimits `json:"limits"`
	Options      []Field    `json:"options"` // what a post may say for a channel of this kind
}

// PostLimits are what a network allows in one post. Zero means no limit of its own.
type PostLimits struct {
	Counter       string   `json:"counter,omitempty"` // how TextLength is counted
	TextLength    int      `json:"textLength,omitempty"`
	TitleLength   int      `json:"titleLength,omitempty"` // code points
	URLLength     int      `json:"urlLength,omitempty"`   // what a URL counts, with CountX and CountMastodon
	AltLength     int      `json:"altLength,omitempty"`   // code points
	MediaRequired bool     `json:"mediaRequired,omitempty"`
	Images        int      `json:"images,omitempty"` // most pictures in one post; with Images and Videos both 0 it takes no media
	Videos        int      `json:"videos,omitempty"` // most films in one post
	Mixed         bool     `json:"mixed,omitempty"`  // pictures and films may stand together
	ImageBytes    int64    `json:"imageBytes,omitempty"`
	VideoBytes    int64    `json:"videoBytes,omitempty"`
	GIFBytes      int64    `json:"gifBytes,omitempty"`   // of an animated picture; 0: as ImageBytes
	ImageTypes    []string `json:"imageTypes,omitempty"` // content types; empty: any picture
	VideoTypes    []string `json:"videoTypes,omitempty"`
}

// TokenKeeper keeps credentials that are renewed while they are used, as OAuth's are. The access token is the setting "accessToken" of every kind.
type TokenKeeper interface {
	// Renew runs renew for a channel, one at a time over all processes, and stores what it returns before anybody uses it. stale is the
	// access token that the network refused, or that is about to end: where the stored configuration has another one by now, that is returned and renew is not called.
	// renew gets the stored configuration and returns what changes of it; a value that it leaves out stays. It may block; an error of renew is returned as it is.
	Renew(ctx context.Context, stale string, renew func(ctx context.Context, present Config) (Config, error)) (Config, error)
}

// Authorizer is a Connector whose channels can be connected by OAuth: the user grants access on the network's own page.
type Authorizer interface {
	Connector
	// AuthorizeURL returns where to send the user. The answer comes back to request.RedirectURL with request.State. It may call the network (to register
	// an app at an instance). A missing operator setting is Unsupported with a sentence that names it.
	AuthorizeURL(ctx context.Context, request AuthorizeRequest, host Host) (AuthorizeAnswer, error)
	// Exchange turns the code that came back into channels' configurations: one for each identity that the user granted, for them to choose from.
	Exchange(ctx context.Context, request ExchangeRequest, host Host) ([]AuthorizedChannel, error)
}

// AuthorizeAsker is an Authorizer that has to know, or may be told, something before the user goes to the network's page.
type AuthorizeAsker interface {
	// AuthorizeFields describes what AuthorizeRequest.Input may hold. It is constant and does no input or output. A field that has the key of a setting
	// means the same as that setting: when a channel is connected again, what it has is taken. None is secret, because all of it stands in an address.
	AuthorizeFields() []Field
}

// AuthorizeRequest begins an OAuth flow.
type AuthorizeRequest struct {
	State        string            // unguessable; comes back
	CodeVerifier string            // PKCE; its S256 challenge goes into the address where the network takes one
	RedirectURL  string            // ours
	Input        map[string]string // what the user gave beforehand, such as the instance of Mastodon
}

// AuthorizeAnswer is where the user goes, and what Exchange will need again. Keep is sealed by the core.
type AuthorizeAnswer struct {
	URL  string
	Keep map[string]string
}

// ExchangeRequest ends an OAuth flow.
type ExchangeRequest struct {
	Code         string
	CodeVerifier string
	RedirectURL  string
	Keep         map[string]string // of AuthorizeAnswer
	Query        map[string]string // all that came back, for networks that tell more there
}

// AuthorizedChannel is one identity that the user granted.
type AuthorizedChannel struct {
	Config Config   // complete, as for Connector.Address
	Name   string   // as the network shows it
	Scopes []string // what was granted
}
