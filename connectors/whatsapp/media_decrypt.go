package whatsapp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"io"
)

// How WhatsApp encrypts files (whatsmeow: download.go): 112 bytes are derived from the key, of which the first 16 are the IV, 32 the key of
// AES-256-CBC and 32 that of an HMAC-SHA-256 over IV and ciphertext, whose first 10 bytes stand at the end of the file.
const (
	expandedLength = 112
	cipherKeyAt    = aes.BlockSize
	macKeyAt       = cipherKeyAt + 32
	macKeyEnd      = macKeyAt + 32
	macLength      = 10

	maxEmptyReads = 100

	chunkLength = 32 << 10                  // how much is decrypted at a time
	tailLength  = aes.BlockSize + macLength // held back until the end is seen: the padding and the HMAC
)

// open returns the plain content of a fetched file.
func (r reference) open(body io.Reader) (io.Reader, error) {
	check := verifier{sum: sha256.New(), hash: r.Hash, length: r.Length}
	if len(r.Key) == 0 {
		return &plainReader{body: body, check: check}, nil
	}
	keys, err := hkdf.Key(sha256.New, r.Key, nil, string(kindsOfKey()[r.Kind]), expandedLength)
	if err != nil {
		return nil, fmt.Errorf("derive media keys: %w", err)
	}
	block, err := aes.NewCipher(keys[cipherKeyAt:macKeyAt])
	if err != nil {
		return nil, fmt.Errorf("make media cipher: %w", err)
	}
	d := &decryptReader{
		body: body, cbc: cipher.NewCBCDecrypter(block, keys[:cipherKeyAt]), mac: hmac.New(sha256.New, keys[macKeyAt:macKeyEnd]), check: check,
		buffer: make([]byte, chunkLength+tailLength),
	}
	d.mac.Write(keys[:cipherKeyAt])
	return d, nil
}

// verifier compares a file with what its sender has said of it.
type verifier struct {
	sum    hash.Hash
	hash   []byte
	length uint64
	count  uint64
}

func (v *verifier) add(plain []byte) {
	v.sum.Write(plain)
	v.count += uint64(len(plain))
}

// verify is called at the end. The hash says more than the length, which some programs state wrongly; it counts where there is no hash.
func (v *verifier) verify() error {
	if len(v.hash) > 0 && subtle.ConstantTimeCompare(v.sum.Sum(nil), v.hash) != 1 {
		return damaged("its hash is another")
	}
	if len(v.hash) == 0 && v.length > 0 && v.length != v.count {
		return damaged("its length is another")
	}
	return nil
}

func damaged(how string) error {
	return unavailable("The file that WhatsApp gave is damaged. Ask its sender to send it again.", errors.New(how))
}

// plainReader verifies a file that is not encrypted.
type plainReader struct {
	body  io.Reader
	check verifier
}

// Read reads on.
func (p *plainReader) Read(into []byte) (int, error) {
	n, err := p.body.Read(into)
	p.check.add(into[:n])
	if errors.Is(err, io.EOF) {
		if wrong := p.check.verify(); wrong != nil {
			return n, wrong
		}
	}
	return n, err //nolint:wrapcheck // an io.Reader must return io.EOF as it is
}

// decryptReader decrypts a file piece by piece, in constant memory.
type decryptReader struct {
	body  io.Reader
	cbc   cipher.BlockMode
	mac   hash.Hash
	check verifier

	buffer []byte // [0:start] is gone, [start:ready] plain and not yet read, [ready:end] encrypted
	start  int
	ready  int
	end    int
	err    error // what comes after the plain bytes
}

// Read reads on. The last block comes out only when everything has proved right.
func (d *decryptReader) Read(into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	for d.start == d.ready && d.err == nil {
		d.err = d.more()
	}
	n := copy(into, d.buffer[d.start:d.ready])
	d.start += n
	if n > 0 {
		return n, nil
	}
	return 0, d.err
}

// more makes the next plain bytes. Its error is the end, good or bad.
func (d *decryptReader) more() error {
	d.end = copy(d.buffer, d.buffer[d.ready:d.end])
	d.start, d.ready = 0, 0
	switch err := d.fill(); {
	case errors.Is(err, io.EOF):
		return d.last()
	case err != nil:
		return fmt.Errorf("read media: %w", err)
	}
	d.decrypt((d.end - tailLength) / aes.BlockSize * aes.BlockSize)
	return nil
}

// fill reads until the buffer is full. Other than io.ReadFull it tells the end of a file from the end of a broken connection.
func (d *decryptReader) fill() error {
	for empty := 0; d.end < len(d.buffer); {
		n, err := d.body.Read(d.buffer[d.end:])
		d.end += n
		switch empty++; {
		case err != nil:
			return err //nolint:wrapcheck // the caller wraps it, unless it is io.EOF
		case n > 0:
			empty = 0
		case empty > maxEmptyReads:
			return io.ErrNoProgress
		}
	}
	return nil
}

func (d *decryptReader) decrypt(length int) {
	part := d.buffer[:length]
	d.mac.Write(part)
	d.cbc.CryptBlocks(part, part)
	d.check.add(part)
	d.ready = length
}

// last decrypts what is left, checks everything and takes the padding off.
func (d *decryptReader) last() error {
	length := d.end - macLength
	if length < aes.BlockSize || length%aes.BlockSize != 0 {
		return damaged("it ends too early")
	}
	part := d.buffer[:length]
	d.mac.Write(part)
	if !hmac.Equal(d.mac.Sum(nil)[:macLength], d.buffer[length:d.end]) {
		return damaged("its authentication code is wrong")
	}
	d.cbc.CryptBlocks(part, part)
	padding := int(part[length-1])
	if padding == 0 || padding > aes.BlockSize {
		return damaged("its padding is wrong")
	}
	d.check.add(part[:length-padding])
	if err := d.check.verify(); err != nil {
		return err
	}
	d.ready = length - padding
	return io.EOF
}
