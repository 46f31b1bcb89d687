// Package bucket keeps files in a bucket of Amazon S3 or of any service that speaks its protocol.
package bucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/switchhook/switchhook/internal/secret"
)

const (
	// DefaultStall is how long a connection may stand still before it counts as broken.
	DefaultStall = 30 * time.Second

	dialTimeout  = 10 * time.Second
	checkTimeout = 30 * time.Second
	idleTimeout  = 20 * time.Second // less than a stall, which would end an idle connection too
	tries        = 3                // of a request that the service fails or does not answer
	noSuchKey    = "NoSuchKey"
)

// Options says where the bucket is. Endpoint, Name, Region, AccessKey and SecretKey are required.
type Options struct {
	Endpoint  string // an http or https URL without a path; the operator chooses it, so it may lie in a private network
	Name      string
	Region    string
	AccessKey secret.String
	SecretKey secret.String
	PathStyle bool   // the bucket's name stands in the path and not in the host name
	Prefix    string // stands before the names of all files, with a slash between; may be empty

	Stall   time.Duration  // 0: DefaultStall
	RootCAs *x509.CertPool // nil: the system's
}

// Bucket is safe for concurrent use.
type Bucket struct {
	client    minio.Core
	transport *http.Transport
	o         Options
	secure    bool
}

// New makes the client of a bucket; it calls nobody. A missing option is an error that names it.
func New(o Options) (*Bucket, error) {
	for name, missing := range map[string]bool{
		"Endpoint": o.Endpoint == "", "Name": o.Name == "", "Region": o.Region == "", "AccessKey": o.AccessKey == "", "SecretKey": o.SecretKey == "",
	} {
		if missing {
			return nil, fmt.Errorf("make bucket: Options.%s is missing", name)
		}
	}
	endpoint, err := url.Parse(o.Endpoint)
	if err != nil || endpoint.Host == "" {
		return nil, errors.New("make bucket: Options.Endpoint is not a URL")
	}
	if o.Stall <= 0 {
		o.Stall = DefaultStall
	}
	if o.Prefix = strings.Trim(o.Prefix, "/"); o.Prefix != "" {
		o.Prefix += "/"
	}
	b := &Bucket{o: o, secure: endpoint.Scheme == "https", transport: newTransport(o)}
	lookup := minio.BucketLookupDNS
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(o.AccessKey.Reveal(), o.SecretKey.Reveal(), ""),
		Secure: b.secure, Transport: b.transport, Region: o.Region, BucketLookup: lookup, MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("make bucket: %w", err)
	}
	b.client = minio.Core{Client: client}
	return b, nil
}

func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err //nolint:wrapcheck // http.Transport wraps it
			}
			return &moving{conn, o.Stall}, nil
		},
		TLSClientConfig: &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: dialTimeout,
		ResponseHeaderTimeout: o.Stall, IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 16,
		DisableCompression: true, // the bytes come as they were stored
	}
}

// moving is a connection that breaks when nothing moves on it, in either direction: while a large file is sent nothing is received.
type moving struct {
	net.Conn
	stall time.Duration
}

// Read reads, and gives both directions their time again.
func (m *moving) Read(p []byte) (int, error) {
	_ = m.SetDeadline(time.Now().Add(m.stall)) // fails on a closed connection, as Read does
	return m.Conn.Read(p)                      //nolint:wrapcheck // a net.Conn returns errors as they are
}

// Write writes, and gives both directions their time again.
func (m *moving) Write(p []byte) (int, error) {
	_ = m.SetDeadline(time.Now().Add(m.stall))
	return m.Conn.Write(p) //nolint:wrapcheck // a net.Conn returns errors as they are
}

// Close ends idle connections.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

// Put stores the first size bytes of a file under a name, which shows them when all have arrived. It may block; the file is only read.
func (b *Bucket) Put(ctx context.Context, name string, file *os.File, size int64, contentType string) error {
	return b.put(ctx, name, io.NewSectionReader(file, 0, size), size, contentType)
}

func (b *Bucket) put(ctx context.Context, name string, body io.Reader, size int64, contentType string) error {
	// One request, which S3 takes up to 5 GiB. Over plain http each piece of the body is signed, over TLS a sum guards the whole.
	options := minio.PutObjectOptions{ContentType: contentType, DisableMultipart: true, SendContentMd5: b.secure}
	if _, err := b.client.Client.PutObject(ctx, b.o.Name, b.o.Prefix+name, body, size, options); err != nil {
		return fmt.Errorf("store in bucket: %w", err)
	}
	return nil
}

// Open begins to read a file and returns it with its size in bytes. What is not there is fs.ErrNotExist. ctx bounds the opening only: the
// caller reads and seeks afterwards, each as long as bytes come, until it closes the file.
func (b *Bucket) Open(ctx context.Context, name string) (io.ReadSeekCloser, int64, error) {
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	o := &object{bucket: b, name: name, ctx: reading, cancel: cancel}
	opening := context.AfterFunc(ctx, cancel)
	err := o.request()
	if !opening() && err == nil {
		err = fmt.Errorf("read from bucket: %w", ctx.Err())
	}
	if err != nil {
		_ = o.Close()
		return nil, 0, err
	}
	return o, o.size, nil
}

// Remove deletes a file. One that is not there is no error.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	err := b.client.RemoveObject(ctx, b.o.Name, b.o.Prefix+name, minio.RemoveObjectOptions{})
	if err != nil && minio.ToErrorResponse(err).Code != noSuchKey {
		return fmt.Errorf("delete from bucket: %w", err)
	}
	return nil
}

// Check writes, reads and deletes a small file, and says in a sentence for the operator what does not work. It may block for half a minute.
func (b *Bucket) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	name := "check-" + secret.NewToken(0).Reveal()
	const text = "This file shows that the bucket can be used. It may be deleted."
	if err := b.put(ctx, name, strings.NewReader(text), int64(len(text)), "text/plain"); err != nil {
		return b.explain("written", err)
	}
	file, _, err := b.Open(ctx, name)
	if err != nil {
		return errors.Join(b.explain("read", err), b.Remove(ctx, name))
	}
	read, err := io.ReadAll(file)
	_ = file.Close()
	if err == nil && string(read) != text {
		err = errors.New("it holds other bytes than were written")
	}
	if err != nil {
		return errors.Join(b.explain("read", err), b.Remove(ctx, name))
	}
	if err := b.Remove(ctx, name); err != nil {
		return b.explain("deleted", err)
	}
	return nil
}

// explain makes the operator's sentence of a failure of Check.
func (b *Bucket) explain(what string, err error) error {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return fmt.Errorf("the bucket %s at %s does not answer as it should: a file could not be %s there. Check S3_ENDPOINT: %w", b.o.Name, b.o.Endpoint, what, err)
	}
	switch {
	case answer.Code == "NoSuchBucket":
		return fmt.Errorf("there is no bucket %s at %s. Make it, or correct S3_BUCKET, S3_REGION or S3_PATH_STYLE: %w", b.o.Name, b.o.Endpoint, err)
	case answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the bucket %s at %s refuses S3_ACCESS_KEY and S3_SECRET_KEY: a file could not be %s. "+
			"They must be allowed to put, get and delete objects: %w", b.o.Name, b.o.Endpoint, what, err)
	}
	return fmt.Errorf("the bucket %s at %s cannot be used: a file could not be %s: %w", b.o.Name, b.o.Endpoint, what, err)
}

// object is a file of a bucket that is read.
type object struct {
	bucket *Bucket
	name   string
	size   int64
	at     int64              // where the next Read begins
	body   io.ReadCloser      // its bytes from there on; nil after a Seek
	ctx    context.Context    //nolint:containedctx // ends with Close: readers have no context of their own
	cancel context.CancelFunc // ends ctx
}

// request asks for the bytes from o.at on. The first time it learns the size.
func (o *object) request() error {
	options := minio.GetObjectOptions{}
	if o.at > 0 {
		if err := options.SetRange(o.at, 0); err != nil {
			return fmt.Errorf("read from bucket: %w", err)
		}
	}
	body, info, header, err := o.bucket.client.GetObject(o.ctx, o.bucket.o.Name, o.bucket.o.Prefix+o.name, options)
	if err != nil {
		if minio.ToErrorResponse(err).Code == noSuchKey {
			err = fs.ErrNotExist
		}
		return fmt.Errorf("read from bucket: %w", err)
	}
	if o.at == 0 {
		o.size = info.Size
	} else if !strings.HasPrefix(header.Get("Content-Range"), fmt.Sprintf("bytes %d-", o.at)) {
		_ = body.Close()
		return errors.New("read from bucket: the service answers with other bytes than were asked for")
	}
	o.body = body
	return nil
}

// Read reads on.
func (o *object) Read(p []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, fs.ErrClosed
	}
	if o.at >= o.size {
		return 0, io.EOF
	}
	if o.body == nil {
		if err := o.request(); err != nil {
			return 0, err
		}
	}
	n, err := o.body.Read(p)
	o.at += int64(n)
	if errors.Is(err, io.EOF) && o.at < o.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek sets where the next Read begins. It calls nobody.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	next := offset
	switch whence {
	case io.SeekCurrent:
		next += o.at
	case io.SeekEnd:
		next += o.size
	}
	if next < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return 0, fs.ErrInvalid
	}
	if next != o.at && o.body != nil {
		_ = o.body.Close() // what is left of it is not wanted
		o.body = nil
	}
	o.at = next
	return next, nil
}

// Close ends the reading.
func (o *object) Close() error {
	o.cancel()
	if o.body != nil {
		_ = o.body.Close() // nothing is lost by what it says
	}
	return nil
}
