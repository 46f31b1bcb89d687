package watest

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/util/cbcutil"
)

const (
	mediaPath   = "/v/"
	mediaQuery  = "?ccb=1" // a client appends its own parameters with &, so a direct path needs a query
	maxMedia    = 128 << 20
	mediaKeys   = 112 // bytes: iv, cipher key, MAC key and a key that nothing uses
	mediaMACLen = 10
)

// Media is an encrypted file on the server, as the fields of a media message name it.
type Media struct {
	URL           string
	DirectPath    string
	MediaKey      []byte
	FileSHA256    []byte // of the plaintext
	FileEncSHA256 []byte // of what is stored: ciphertext and MAC
	FileLength    uint64 // of the plaintext
}

// MakeMedia encrypts a file as a phone does, and stores it.
func (s *Server) MakeMedia(kind whatsmeow.MediaType, plain []byte) (Media, error) {
	key := make([]byte, keyLength)
	rand.Read(key)
	iv, cipherKey, macKey, err := expandMediaKey(key, kind)
	if err != nil {
		return Media{}, err
	}
	sealed, err := cbcutil.Encrypt(cipherKey, iv, plain)
	if err != nil {
		return Media{}, fmt.Errorf("encrypt media: %w", err)
	}
	blob := append(sealed, mediaMAC(macKey, iv, sealed)...)
	sum, sealedSum := sha256.Sum256(plain), sha256.Sum256(blob)
	url, direct := s.storeMedia(base64.URLEncoding.EncodeToString(sealedSum[:]), blob)
	return Media{
		URL: url, DirectPath: direct, MediaKey: key,
		FileSHA256: sum[:], FileEncSHA256: sealedSum[:], FileLength: uint64(len(plain)),
	}, nil
}

// OpenMedia decrypts the file of a media message that a client sent. It errs if the file is not there or is not what the message says.
func (s *Server) OpenMedia(message whatsmeow.DownloadableMessage) ([]byte, error) {
	blob, ok := s.loadMedia(message.GetDirectPath())
	if !ok || len(blob) < mediaMACLen {
		return nil, errors.New("open media: the file is not on the server")
	}
	if sum := sha256.Sum256(blob); !bytes.Equal(sum[:], message.GetFileEncSHA256()) {
		return nil, errors.New("open media: another file is on the server")
	}
	iv, cipherKey, macKey, err := expandMediaKey(message.GetMediaKey(), whatsmeow.GetMediaType(message))
	if err != nil {
		return nil, err
	}
	sealed, mac := blob[:len(blob)-mediaMACLen], blob[len(blob)-mediaMACLen:]
	if !hmac.Equal(mac, mediaMAC(macKey, iv, sealed)) {
		return nil, errors.New("open media: the MAC is wrong")
	}
	plain, err := cbcutil.Decrypt(cipherKey, iv, sealed)
	if err != nil {
		return nil, fmt.Errorf("decrypt media: %w", err)
	}
	if sum := sha256.Sum256(plain); !bytes.Equal(sum[:], message.GetFileSHA256()) {
		return nil, errors.New("open media: the plaintext is another file")
	}
	return plain, nil
}

func expandMediaKey(key []byte, kind whatsmeow.MediaType) (iv, cipherKey, macKey []byte, err error) {
	expanded, err := hkdf.Key(sha256.New, key, nil, string(kind), mediaKeys)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("expand media key: %w", err)
	}
	return expanded[:16], expanded[16:48], expanded[48:80], nil
}

func mediaMAC(key, iv, sealed []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(iv)
	mac.Write(sealed)
	return mac.Sum(nil)[:mediaMACLen]
}

// storeMedia keeps a file under its token, the encoded hash of the file.
func (s *Server) storeMedia(token string, blob []byte) (url, direct string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.media[token] = blob
	direct = mediaPath + token + mediaQuery
	return "https://" + mediaHost + direct, direct
}

func (s *Server) loadMedia(direct string) ([]byte, bool) {
	token, _, _ := strings.Cut(strings.TrimPrefix(direct, mediaPath), "?")
	s.mu.Lock()
	defer s.mu.Unlock()
	blob, ok := s.media[token]
	return blob, ok
}

func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	blob, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMedia))
	if err != nil {
		http.Error(w, "read upload", http.StatusBadRequest)
		return
	}
	if status := s.switched().UploadStatus; status != 0 {
		w.WriteHeader(status)
		return
	}
	url, direct := s.storeMedia(r.PathValue("token"), blob)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]string{"url": url, "direct_path": direct}); err != nil {
		s.log.Warn("upload not answered", "error", err)
	}
}

func (s *Server) serveDownload(w http.ResponseWriter, r *http.Request) {
	if status := s.switched().DownloadStatus; status != 0 {
		w.WriteHeader(status)
		return
	}
	blob, ok := s.loadMedia(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if _, err := w.Write(blob); err != nil {
		s.log.Debug("download cut", "error", err)
	}
}
