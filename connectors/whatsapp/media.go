package whatsapp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/socket"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/httpcall"
)

const (
	// mediaScheme stands before all that is needed to fetch and decrypt a file. It holds the file's key; the core keeps it sealed.
	mediaScheme = "whatsapp-media:"

	// mediaHost is WhatsApp's own server for files (whatsmeow: DownloadMediaWithPath asks for the present names, which answer for the same
	// files). The address that a sender puts into a message is never called.
	mediaHost = "mmg.whatsapp.net"

	keyLength    = 32
	maxReference = 8192
)

// reference is a file on WhatsApp's server.
type reference struct {
	Path    string `json:"p"`           // path and query at mediaHost
	Key     []byte `json:"k,omitempty"` // none: the file is not encrypted, as those of channels are
	EncHash []byte `json:"e,omitempty"` // SHA-256 of the encrypted file; the server is asked with it
	Hash    []byte `json:"h,omitempty"` // SHA-256 of the file
	Length  uint64 `json:"n,omitempty"` // bytes of the file; 0 where not told
	Kind    string `json:"t"`           // as kindsOfKey has it
}

// referenceTo makes the address under which FetchMedia finds a file, or "" where the message does not say enough, as with what is withheld.
func referenceTo(file attachment, keys whatsmeow.MediaType) string {
	path := file.GetDirectPath()
	if path == "" { // older programs only give an address, of which the host is of no interest
		if u, err := url.Parse(file.GetURL()); err == nil {
			path = u.RequestURI()
		}
	}
	r := reference{Path: path, Key: file.GetMediaKey(), EncHash: file.GetFileEncSHA256(), Hash: file.GetFileSHA256(), Length: file.GetFileLength()}
	for kind, known := range kindsOfKey() {
		if known == keys {
			r.Kind = kind
		}
	}
	if r.check() != nil {
		return ""
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return ""
	}
	return mediaScheme + base64.RawURLEncoding.EncodeToString(raw)
}

// kindsOfKey are the names of WhatsApp's kinds of file, and what is mixed into a file's keys for each.
func kindsOfKey() map[string]whatsmeow.MediaType {
	return map[string]whatsmeow.MediaType{
		"image": whatsmeow.MediaImage, "video": whatsmeow.MediaVideo, "audio": whatsmeow.MediaAudio, "document": whatsmeow.MediaDocument,
	}
}

func parseReference(text string) (reference, error) {
	encoded, found := strings.CutPrefix(text, mediaScheme)
	if !found || len(encoded) > maxReference {
		return reference{}, errors.New("the reference is none of ours")
	}
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return reference{}, errors.New("the reference is malformed")
	}
	var r reference
	if json.Unmarshal(raw, &r) != nil {
		return reference{}, errors.New("the reference is malformed")
	}
	return r, r.check()
}

// check says what is wrong with a reference. A file must be verifiable: by its key, or by its hash where it is not encrypted.
func (r reference) check() error {
	_, err := r.address()
	switch {
	case err != nil:
		return err
	case len(r.Key) != 0 && len(r.Key) != keyLength:
		return errors.New("the key has the wrong length")
	case len(r.Hash) != 0 && len(r.Hash) != keyLength, len(r.EncHash) != 0 && len(r.EncHash) != keyLength:
		return errors.New("a hash has the wrong length")
	case len(r.Key) == 0 && len(r.Hash) == 0:
		return errors.New("the file has neither key nor hash")
	case kindsOfKey()[r.Kind] == "":
		return errors.New("the kind of file is not known")
	}
	return nil
}

// isPath says whether a stranger's path stays a path, whatever a parser may see in it.
func isPath(path string) bool {
	odd := func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' || c == '#' || c == '@' }
	return len(path) >= 2 && len(path) <= mostLink && path[0] == '/' && path[1] != '/' && !strings.ContainsFunc(path, odd) && !strings.Contains(path, "..")
}

// address is where the file lies.
func (r reference) address() (string, error) {
	parsed, err := url.ParseRequestURI(r.Path)
	if !isPath(r.Path) || err != nil || parsed.Host != "" || parsed.Scheme != "" || parsed.User != nil {
		return "", errors.New("the path is malformed")
	}
	parsed.Scheme, parsed.Host = "https", mediaHost
	query := "mms-type=" + r.Kind + "&__wa-mms="
	if len(r.EncHash) > 0 {
		query = "hash=" + base64.URLEncoding.EncodeToString(r.EncHash) + "&" + query
	}
	if parsed.RawQuery != "" {
		query = parsed.RawQuery + "&" + query
	}
	parsed.RawQuery = query
	return parsed.String(), nil
}

// FetchMedia opens a file of an inbound message: fetchMedia.
func (c *conn) FetchMedia(ctx context.Context, ref connectors.MediaRef) (body io.ReadCloser, contentType string, err error) {
	return fetchMedia(ctx, c.http, ref)
}

// fetchMedia opens a file of an inbound message and decrypts it while it is read. The body's last Read returns an error instead of io.EOF
// where the file is not what its sender has described; what was read until then is worthless. No device needs to be linked for it.
func fetchMedia(ctx context.Context, client *http.Client, ref connectors.MediaRef) (body io.ReadCloser, contentType string, err error) {
	r, err := parseReference(ref.URL)
	if err != nil {
		return nil, "", unavailable("This is no file of WhatsApp's.", err)
	}
	address, err := r.address()
	if err != nil {
		return nil, "", unavailable("This is no file of WhatsApp's.", err)
	}
	request := httpcall.Request{URL: address, Header: http.Header{"Origin": {socket.Origin}, "Referer": {socket.Origin + "/"}}}
	file, _, err := httpcall.Fetch(ctx, client, request, httpcall.FetchOptions{})
	if err != nil {
		return nil, "", fetchFailure(err)
	}
	plain, err := r.open(file)
	if err != nil {
		return nil, "", errors.Join(err, file.Close())
	}
	return readCloser{plain, file}, ref.ContentType, nil
}

// readCloser reads from one and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

// fetchFailure gives a refusal for good its reason: the server keeps files for about 30 days, and answers 403, 404 or 410 thereafter.
func fetchFailure(err error) error {
	e := connectors.AsError(err)
	if e.Kind == connectors.KindUnlinked || e.Kind == connectors.KindRejected {
		return unavailable("WhatsApp does not have this file any more. Ask its sender to send it again.", err)
	}
	if e.Kind == connectors.KindRateLimited {
		e.After = 0 // no clock was given to reckon it with
	}
	return e
}

func unavailable(message string, cause error) error {
	rejected := connectors.Rejected("media_unavailable", message, "")
	rejected.Err = cause
	return rejected
}
