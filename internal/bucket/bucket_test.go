package bucket_test

import (
	"context"
	"crypto/x509"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/internal/bucket"
	"github.com/switchhook/switchhook/internal/bucket/buckettest"
)

func options(s *buckettest.Service) bucket.Options {
	o := bucket.Options{
		Endpoint: s.URL, Name: buckettest.Name, Region: buckettest.Region, AccessKey: buckettest.AccessKey, SecretKey: buckettest.SecretKey,
		PathStyle: true, Prefix: "/a prefix/",
	}
	if certificate := s.Certificate(); certificate != nil {
		o.RootCAs = x509.NewCertPool()
		o.RootCAs.AddCert(certificate)
	}
	return o
}

func open(t *testing.T, o bucket.Options) *bucket.Bucket {
	t.Helper()
	b, err := bucket.New(o)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b
}

// file makes a file with a content, open at its end as one that was just written.
func file(t *testing.T, content string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.WriteString(content)
	require.NoError(t, err)
	return f
}

func put(t *testing.T, b *bucket.Bucket, name, content string) {
	t.Helper()
	require.NoError(t, b.Put(t.Context(), name, file(t, content), int64(len(content)), "image/png"))
}

func TestFilesAreStoredReadFromAnywhereAndDeleted(t *testing.T) {
	t.Parallel()
	for name, useTLS := range map[string]bool{"over TLS": true, "over plain http, where each piece is signed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := buckettest.New(t, useTLS)
			b := open(t, options(s))
			content := strings.Repeat("0123456789", 20_000)
			put(t, b, "med_1", content)
			stored, contentType := s.Content("a prefix/med_1")
			require.Equal(t, content, stored)
			require.Equal(t, "image/png", contentType)

			f, size, err := b.Open(t.Context(), "med_1")
			require.NoError(t, err)
			require.EqualValues(t, len(content), size)
			read, err := io.ReadAll(f)
			require.NoError(t, err)
			require.Equal(t, content, string(read))
			at, err := f.Seek(-7, io.SeekEnd)
			require.NoError(t, err)
			require.EqualValues(t, len(content)-7, at)
			read, err = io.ReadAll(f)
			require.NoError(t, err)
			require.Equal(t, "3456789", string(read))
			_, err = f.Seek(0, io.SeekStart)
			require.NoError(t, err)
			four := make([]byte, 4)
			_, err = io.ReadFull(f, four)
			require.NoError(t, err)
			at, err = f.Seek(2, io.SeekCurrent)
			require.NoError(t, err)
			require.EqualValues(t, 6, at)
			_, err = io.ReadFull(f, four)
			require.NoError(t, err)
			require.Equal(t, "6789", string(four))
			_, err = f.Seek(-1, io.SeekStart)
			require.ErrorIs(t, err, fs.ErrInvalid)
			require.NoError(t, f.Close())
			_, err = f.Read(four)
			require.ErrorIs(t, err, fs.ErrClosed)

			require.NoError(t, b.Remove(t.Context(), "med_1"))
			require.NoError(t, b.Remove(t.Context(), "med_1"), "it is gone already")
			_, _, err = b.Open(t.Context(), "med_1")
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

func TestAnEmptyFileIsAFile(t *testing.T) {
	t.Parallel()
	b := open(t, options(buckettest.New(t, false)))
	put(t, b, "empty", "")
	f, size, err := b.Open(t.Context(), "empty")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	require.Zero(t, size)
	_, err = f.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestReadingGoesOnAfterTheContextOfTheOpeningHasEnded(t *testing.T) {
	t.Parallel()
	b := open(t, options(buckettest.New(t, false)))
	content := strings.Repeat("x", 3<<20)
	put(t, b, "film", content)
	ctx, cancel := context.WithCancel(t.Context())
	f, _, err := b.Open(ctx, "film")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	cancel()
	read, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Len(t, read, len(content))
	_, _, err = b.Open(ctx, "film")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAServiceThatFailsOnceIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t, false)
	b := open(t, options(s))
	failed := false // one request at a time
	s.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		if !failed {
			failed = true
			buckettest.Refuse(w, http.StatusServiceUnavailable, "SlowDown", "Slower, please.")
			return true
		}
		return false
	})
	put(t, b, "med_1", "content")
	stored, _ := s.Content("a prefix/med_1")
	require.Equal(t, "content", stored)
	require.Equal(t, []string{"PUT", "PUT"}, s.Calls())
}

func TestAServiceThatKeepsFailingIsAnError(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t, false)
	b := open(t, options(s))
	put(t, b, "med_1", "content")
	s.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		buckettest.Refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "Not now.")
		return true
	})
	err := b.Put(t.Context(), "med_2", file(t, "content"), 7, "image/png")
	require.ErrorContains(t, err, "Not now")
	_, _, err = b.Open(t.Context(), "med_1")
	require.Error(t, err)
	require.NotErrorIs(t, err, fs.ErrNotExist, "it is there, and must not be fetched anew")
	require.Error(t, b.Remove(t.Context(), "med_1"))
	s.Instead(nil)
	require.Equal(t, []string{"a prefix/med_1"}, s.Names())
}

func TestALineThatIsCutOrStandsStillEndsTheReading(t *testing.T) {
	t.Parallel()
	for name, ending := range map[string]func(r *http.Request){
		"cut":          func(*http.Request) { panic(http.ErrAbortHandler) },
		"stands still": func(r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := buckettest.New(t, false)
			o := options(s)
			o.Stall = 300 * time.Millisecond
			b := open(t, o)
			s.Instead(func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Content-Length", "1000")
				w.Header().Set("Last-Modified", "Mon, 29 Jun 2026 12:00:00 GMT")
				_, _ = io.WriteString(w, "half")
				_ = http.NewResponseController(w).Flush()
				ending(r)
				return true
			})
			f, size, err := b.Open(t.Context(), "med_1")
			if err == nil { // else the line was cut before its headers were read
				defer func() { require.NoError(t, f.Close()) }()
				require.EqualValues(t, 1000, size)
				_, err = io.ReadAll(f)
			}
			require.Error(t, err)
		})
	}
}

func TestAnUploadToAServiceThatReadsNothingEnds(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t, false)
	o := options(s)
	o.Stall = 300 * time.Millisecond
	b := open(t, o)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.Instead(func(http.ResponseWriter, *http.Request) bool {
		<-release
		return true
	})
	require.Error(t, b.Put(t.Context(), "med_1", file(t, "content"), 7, "image/png"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Put(ctx, "med_1", file(t, "content"), 7, "image/png"), context.Canceled)
}

func TestAServiceThatIgnoresRangesIsNotBelieved(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t, false)
	b := open(t, options(s))
	put(t, b, "med_1", "content")
	s.Instead(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Range") != "" {
			r.Header.Del("Range")
			_, _ = io.Copy(io.Discard, r.Body)
		}
		return false
	})
	f, _, err := b.Open(t.Context(), "med_1")
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	_, err = f.Seek(3, io.SeekStart)
	require.NoError(t, err)
	_, err = io.ReadAll(f)
	require.Error(t, err)
}

func TestTheCheckSaysWhatTheOperatorHasToCorrect(t *testing.T) {
	t.Parallel()
	s := buckettest.New(t, false)
	require.NoError(t, open(t, options(s)).Check(t.Context()))
	require.Empty(t, s.Names(), "nothing is left behind")
	for want, change := range map[string]func(o *bucket.Options){
		"S3_BUCKET":                       func(o *bucket.Options) { o.Name = "another" },
		"refuses S3_ACCESS_KEY":           func(o *bucket.Options) { o.AccessKey = "another" },
		"S3_SECRET_KEY: a file could not": func(o *bucket.Options) { o.SecretKey = "another-secret" },
		"Check S3_ENDPOINT":               func(o *bucket.Options) { o.Endpoint = "http://127.0.0.1:1" },
	} {
		o := options(s)
		change(&o)
		err := open(t, o).Check(t.Context())
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "another-secret")
		require.NotContains(t, err.Error(), buckettest.SecretKey)
	}
	for want, method := range map[string]string{"written": http.MethodPut, "read": http.MethodGet, "deleted": http.MethodDelete} {
		s.Instead(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == method {
				buckettest.Refuse(w, http.StatusForbidden, "AccessDenied", "No.")
			}
			return r.Method == method
		})
		require.ErrorContains(t, open(t, options(s)).Check(t.Context()), "could not be "+want)
	}
}

func TestAMissingOptionIsNamed(t *testing.T) {
	t.Parallel()
	_, err := bucket.New(bucket.Options{})
	require.ErrorContains(t, err, "Options.")
	_, err = bucket.New(bucket.Options{Endpoint: "nowhere", Name: "a-name", Region: "r", AccessKey: "a", SecretKey: "s"})
	require.ErrorContains(t, err, "Options.Endpoint")
}
