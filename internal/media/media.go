// Package media keeps the files of messages and posts: it fetches those of inbound messages from the networks, takes those of posts, stores
// them on disk or in a bucket, and hands them out under addresses that cannot be guessed.
package media

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/secret"
	"github.com/switchhook/switchhook/internal/store"
)

const (
	// DefaultMaxBytes bounds a file: 100 MiB, the largest that WhatsApp passes on.
	DefaultMaxBytes = 100 << 20

	tokenBytes   = 32               // of randomness in an address
	fetchTimeout = 90 * time.Second // one try in all
	claimFor     = 2 * time.Minute  // longer than a try: then its process is dead and the file is free again
	openTimeout  = 10 * time.Second // how long Open waits for a file that is not here yet
	parallelDue  = 8                // tries at a time that FetchDueAny makes
	parallelOpen = 16               // further ones that callers of Open make

	looseAfter = 24 * time.Hour // an upload that no post has taken by then is deleted
	reasonOld  = "The file was old and has been deleted."
)

// Channels opens the channels whose credentials a file's fetching may need.
type Channels interface {
	// ByIDAny returns a channel, or store.ErrNotFound.
	ByIDAny(ctx context.Context, channelID string) (*store.Channel, error)
	// Open returns a channel's Conn, which the caller does not close.
	Open(ctx context.Context, channel *store.Channel) (connectors.Conn, error)
}

// Storage keeps the bytes of files. Names are ids of ours, which no user chooses. Its methods may block.
type Storage interface {
	// Put stores a file of size bytes under a name, whole and lasting, or returns an error and shows nothing. It may take the file away.
	Put(ctx context.Context, name string, file *os.File, size int64, contentType string) error
	// Open returns a file from its beginning, with its size. What is not there is fs.ErrNotExist. The end of ctx does not end the reading.
	Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error)
	// Remove deletes a file. One that is not there is no error.
	Remove(ctx context.Context, name string) error
}

// Options wires a Service. Every field but Storage and MaxBytes is required.
type Options struct {
	Store    *store.Store
	Sealer   *secret.Sealer
	Channels Channels
	Dir      string       // of unfinished files; without Storage, of all. It is made where it is missing
	Storage  Storage      // nil: Dir, which processes that share a database must share then
	HTTP     *http.Client // the guarded door out, for addresses that users and providers give
	IDs      *id.Generator
	Logger   *slog.Logger
	Now      func() time.Time
	BaseURL  string // what we are reached at, without a slash at its end
	MaxBytes int64  // of one file; 0: DefaultMaxBytes
}

// Service is safe for concurrent use. Close it before the store.
type Service struct {
	o       Options
	ctx     context.Context //nolint:containedctx // ends with Close: a try belongs to the service and not to one of its callers
	stop    context.CancelFunc
	running sync.WaitGroup
	due     chan struct{} // room for tries of FetchDueAny
	open    chan struct{} // room for tries of Open

	mu      sync.Mutex
	fetches map[string]chan struct{} // by media id; closed when the try in this process has ended
	closed  bool
}

// New wires a Service and makes its folder. A missing part is an error that names it.
func New(o Options) (*Service, error) {
	for name, missing := range map[string]bool{
		"Store": o.Store == nil, "Sealer": o.Sealer == nil, "Channels": o.Channels == nil, "Dir": o.Dir == "", "HTTP": o.HTTP == nil,
		"IDs": o.IDs == nil, "Logger": o.Logger == nil, "Now": o.Now == nil, "BaseURL": o.BaseURL == "",
	} {
		if missing {
			return nil, fmt.Errorf("make media service: Options.%s is missing", name)
		}
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make media folder: %w", err)
	}
	if o.Storage == nil {
		o.Storage = folder{o.Dir}
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Service{
		o: o, ctx: ctx, stop: stop, fetches: map[string]chan struct{}{},
		due: make(chan struct{}, parallelDue), open: make(chan struct{}, parallelOpen),
	}, nil
}

// Close breaks off the tries under way and waits until they have ended. Their files are tried again later.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
}

// Reserve makes the row of a file that still lies with the provider, and the public address under which it will be found. It
// stores nothing: give the row to store.InsertMedia in the transaction that stores the message. The token in the address is
// kept nowhere else.
func (s *Service) Reserve(accountID, channelID string, ref connectors.MediaRef) (*store.Media, string, error) {
	m, address := s.row(accountID)
	m.ChannelID, m.ContentType, m.FileName, m.Status = channelID, clip(ref.ContentType), clip(ref.FileName), store.MediaRemote
	sealed, err := s.o.Sealer.Seal([]byte(ref.URL), sealedAs(m.ID))
	if err != nil {
		return nil, "", fmt.Errorf("seal media source: %w", err)
	}
	m.Source = sealed
	return m, address, nil
}

// row makes a row with its public address.
func (s *Service) row(accountID string) (*store.Media, string) {
	token := secret.NewToken(tokenBytes)
	now := s.o.Now()
	m := &store.Media{ID: s.o.IDs.New("med"), AccountID: accountID, TokenHash: secret.HashAPIKey(token), DueAt: now, CreatedAt: now}
	return m, s.o.BaseURL + "/media/" + token.Reveal()
}

func sealedAs(mediaID string) string { return "media/source/" + mediaID }

// claim is one try of one file, to be ended with end.
type claim struct {
	media *store.Media
	done  chan struct{}
}

// begin registers tries of this process. After Close it returns none.
func (s *Service) begin(rows ...*store.Media) []claim {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	claims := make([]claim, len(rows))
	for i, m := range rows {
		claims[i] = claim{m, make(chan struct{})}
		s.fetches[m.ID] = claims[i].done
		s.running.Add(1)
	}
	return claims
}

func (s *Service) end(c claim) {
	s.mu.Lock()
	if s.fetches[c.media.ID] == c.done {
		delete(s.fetches, c.media.ID)
	}
	s.mu.Unlock()
	close(c.done)
	s.running.Done()
}

// underWay returns the channel that is closed when this process' try of a file ends, or nil where there is none.
func (s *Service) underWay(mediaID string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches[mediaID]
}

// FetchDueAny begins to fetch the files that are due, as far as there is room, and returns how many. It does not wait for
// them; call it every second or two.
func (s *Service) FetchDueAny(ctx context.Context) (int, error) {
	room := 0
	for room < parallelDue && take(s.due) {
		room++
	}
	if room == 0 {
		return 0, nil
	}
	now := s.o.Now()
	rows, err := s.o.Store.ClaimMediaAny(ctx, now, now.Add(claimFor), room)
	claims := s.begin(rows...)
	for range room - len(claims) {
		<-s.due
	}
	for _, c := range claims {
		s.start(c, s.due) //nolint:contextcheck // a try outlives the call that begins it
	}
	if err != nil {
		return 0, fmt.Errorf("claim media: %w", err)
	}
	return len(claims), nil
}

// start makes a try in the background and gives its room back afterwards.
func (s *Service) start(c claim, room chan struct{}) {
	go func() {
		defer func() { <-room }()
		defer s.end(c)
		s.try(c.media)
	}()
}

func take(room chan struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	default:
		return false
	}
}

// PurgeAny deletes at most limit files made before a time, with their rows, and returns how many. Files of posts that wait stay however old
// they are; uploads that no post has taken within a day go too. It also removes what was left unfinished by processes that were killed.
func (s *Service) PurgeAny(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := s.removeLeftovers(); err != nil {
		return 0, err
	}
	rows, err := s.o.Store.ClaimOldMediaAny(ctx, before, s.o.Now().Add(-looseAfter), reasonOld, limit)
	if err != nil {
		return 0, fmt.Errorf("list old media: %w", err)
	}
	ids := make([]string, 0, len(rows))
	for _, m := range rows {
		if err := s.remove(ctx, m.ID); err != nil {
			return 0, fmt.Errorf("delete media file: %w", err)
		}
		ids = append(ids, m.ID)
	}
	if err := s.o.Store.DeleteMediaAny(ctx, ids); err != nil {
		return 0, fmt.Errorf("delete media rows: %w", err)
	}
	return len(ids), nil
}
