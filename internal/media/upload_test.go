package media_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/internal/bucket"
	"github.com/switchhook/switchhook/internal/bucket/buckettest"
	"github.com/switchhook/switchhook/internal/id"
	"github.com/switchhook/switchhook/internal/media"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/safehttp"
	"github.com/switchhook/switchhook/internal/store"
)

const mp4 = "\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"

// eachStorage runs a test with the files on disk and with them in a bucket. files lists what is stored.
func eachStorage(t *testing.T, test func(t *testing.T, f *fixture, files func() []string)) {
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t)
		test(t, f, func() []string { return f.files(t) })
	})
	t.Run("bucket", func(t *testing.T) {
		t.Parallel()
		f, service := newBucketFixture(t)
		test(t, f, func() []string { return append(service.Names(), f.files(t)...) })
	})
}

func newBucketFixture(t *testing.T) (*fixture, *buckettest.Service) {
	t.Helper()
	service := buckettest.New(t, false)
	storage, err := bucket.New(bucket.Options{
		Endpoint: service.URL, Name: buckettest.Name, Region: buckettest.Region, AccessKey: buckettest.AccessKey, SecretKey: buckettest.SecretKey, PathStyle: true,
	})
	require.NoError(t, err)
	t.Cleanup(storage.Close)
	return newFixtureOn(t, storage), service
}

func upload(content string) media.Upload {
	return media.Upload{AccountID: "acct_a", FileName: "cat.png", Reader: strings.NewReader(content)}
}

func TestAnUploadIsStoredHandedOutAndReadBack(t *testing.T) {
	t.Parallel()
	eachStorage(t, func(t *testing.T, f *fixture, files func() []string) {
		u := upload(png)
		u.PostID = "post_a"
		m, address, err := f.Store(t.Context(), u)
		require.NoError(t, err)
		require.True(t, id.Valid("med", m.ID))
		require.Equal(t, []string{m.ID}, files())
		token, found := strings.CutPrefix(address, baseURL+"/media/")
		require.True(t, found, address)
		require.Equal(t, m, f.row(t, m))
		require.Equal(t, store.MediaStored, m.Status)
		require.Equal(t, "post_a", m.PostID)
		require.Equal(t, "image/png", m.ContentType)
		require.Equal(t, "cat.png", m.FileName)
		require.EqualValues(t, len(png), m.Size)
		require.Equal(t, png, f.read(t, token))

		ctx, cancel := context.WithCancel(t.Context())
		file, err := f.Read(ctx, "acct_a", m.ID)
		require.NoError(t, err)
		cancel()
		_, err = file.Seek(1, io.SeekStart)
		require.NoError(t, err)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		require.Equal(t, png[1:], string(content))
		require.NoError(t, file.Close())
		for _, other := range [][2]string{{"acct_b", m.ID}, {"acct_a", "med_unknown"}, {"acct_a", "../../etc/passwd"}} {
			_, err = f.Read(t.Context(), other[0], other[1])
			problemOf(t, err, problem.NotFound)
		}
	})
}

func TestInboundFilesAreKeptInTheSameStorage(t *testing.T) {
	t.Parallel()
	eachStorage(t, func(t *testing.T, f *fixture, files func() []string) {
		m, token := f.add(t, f.sandbox, connectors.MediaRef{})
		require.Equal(t, png, f.read(t, token))
		require.Equal(t, []string{m.ID}, files())
		f.advance(time.Hour)
		n, err := f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Empty(t, files())
	})
}

func TestTheBytesDecideWhatAFileIsAndWhetherItIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var archive bytes.Buffer
	require.NoError(t, zip.NewWriter(&archive).Close())
	for content, want := range map[string]string{
		"GIF89a/*\x00<html><script>alert(1)</script>*/=1;":        "image/gif", // a polyglot is what it begins with
		"\xff\xd8\xff\xe0\x00\x10JFIF\x00<?php system($_GET[0]);": "image/jpeg",
		"RIFF\x24\x00\x00\x00WEBPVP8 ":                            "image/webp",
		mp4:                                                       "video/mp4",
		"<html><img src=x onerror=alert(1)></html>":               "",
		"  <!DOCTYPE html><title>not found</title>":               "",
		`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`: "",
		"MZ\x90\x00 a program":                  "",
		"\x7fELF\x02\x01\x01 another":           "",
		"#!/bin/sh\nrm -rf /":                   "",
		"%PDF-1.7":                              "",
		"PK\x03\x04" + strings.Repeat("x", 100): "",
		archive.String():                        "",
		"only text":                             "",
		"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00isomiso2avc1mp41": "", // sound only
		"": "",
	} {
		m, _, err := f.Store(t.Context(), upload(content))
		if want == "" {
			require.Equal(t, "media", problemOf(t, err, problem.InvalidField).Field, "%q", content)
			continue
		}
		require.NoError(t, err, "%q", content)
		require.Equal(t, want, m.ContentType)
	}
	require.Len(t, f.files(t), 4)
}

func TestAnUploadsNameIsHarmlessAndFitsItsContent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for given, want := range map[string]string{
		"cat.PNG": "cat.PNG", "../../etc/passwd": "passwd.png", `C:\x\evil.php`: "evil.png", "a\r\n\x00b.png": "ab.png", "": "file.png",
		"cat.html": "cat.png", strings.Repeat("ä", 300) + ".png": strings.Repeat("ä", 192) + ".png", "x\xff\xfe.png": "x.png",
		strings.Repeat("ä", 300): strings.Repeat("ä", 196) + ".png",
	} {
		u := upload(png)
		u.FileName = given
		m, _, err := f.Store(t.Context(), u)
		require.NoError(t, err)
		require.Equal(t, want, m.FileName)
	}
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	own := problem.New(problem.RequestTimeout, "Too slow.")
	gone := errors.New("the line was cut")
	for name, test := range map[string]struct {
		change func(u *media.Upload)
		code   string
	}{
		"too large":                      {func(u *media.Upload) { u.Reader = strings.NewReader(png + strings.Repeat("x", maxBytes)) }, problem.BodyTooLarge},
		"too large for the caller":       {func(u *media.Upload) { u.MaxBytes = int64(len(png) - 1) }, problem.BodyTooLarge},
		"cut":                            {func(u *media.Upload) { u.Reader = io.MultiReader(strings.NewReader(png), iotest.ErrReader(gone)) }, problem.InvalidField},
		"a problem of who reads it":      {func(u *media.Upload) { u.Reader = io.MultiReader(strings.NewReader(png), iotest.ErrReader(own)) }, problem.RequestTimeout},
		"a type that no network shows":   {func(u *media.Upload) { u.Reader = strings.NewReader("<html>") }, problem.InvalidField},
		"a reader without a single byte": {func(u *media.Upload) { u.Reader = iotest.ErrReader(io.EOF) }, problem.InvalidField},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			u := upload(png)
			test.change(&u)
			_, _, err := f.Store(t.Context(), u)
			problemOf(t, err, test.code)
			require.Empty(t, f.files(t))
		})
	}
	u := upload(png)
	u.MaxBytes = int64(len(png))
	_, _, err := newFixture(t).Store(t.Context(), u)
	require.NoError(t, err, "exactly the bound")
}

func TestAStorageOrDatabaseThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	f, service := newBucketFixture(t)
	service.Instead(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut {
			buckettest.Refuse(w, http.StatusForbidden, "AccessDenied", "No.")
		}
		return r.Method == http.MethodPut
	})
	_, _, err := f.Store(t.Context(), upload(png))
	problemOf(t, err, problem.ServiceUnavailable)
	require.Empty(t, f.files(t))
	m, _ := f.add(t, f.sandbox, connectors.MediaRef{})
	f.fetchDue(t)
	require.Contains(t, f.row(t, m).Reason, "stored")
	require.Empty(t, f.files(t))
	require.Empty(t, service.Names())

	service.Instead(nil)
	ctx, cancel := context.WithCancel(t.Context())
	u := upload(png)
	u.Reader = io.MultiReader(u.Reader, readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }))
	_, _, err = f.Store(ctx, u)
	require.Error(t, err)
	require.Empty(t, f.files(t))
	require.Empty(t, service.Names())

	folder := newFixture(t)
	ctx, cancel = context.WithCancel(t.Context())
	u = upload(png)
	u.Reader = io.MultiReader(u.Reader, readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }))
	_, _, err = folder.Store(ctx, u)
	require.ErrorIs(t, err, context.Canceled, "the row cannot be stored")
	require.Empty(t, folder.files(t))
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestAStorageThatIsDownIsNoLostFile(t *testing.T) {
	t.Parallel()
	f, service := newBucketFixture(t)
	m, token := f.add(t, f.sandbox, connectors.MediaRef{})
	f.fetchDue(t)
	service.Instead(func(w http.ResponseWriter, _ *http.Request) bool {
		buckettest.Refuse(w, http.StatusForbidden, "AccessDenied", "No.")
		return true
	})
	_, err := f.Open(t.Context(), token)
	problemOf(t, err, problem.ServiceUnavailable)
	_, err = f.Read(t.Context(), "acct_a", m.ID)
	problemOf(t, err, problem.ServiceUnavailable)
	_, err = f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()).Add(time.Hour), 10)
	require.Error(t, err)
	require.NotEmpty(t, f.row(t, m).ID, "its row stays until its file is deleted")
	require.EqualValues(t, 1, f.calls.Load(), "it is not fetched again")
}

func TestAnUploadWhoseBytesAreGoneIsSaidToBeGone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, address, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(f.dir, m.ID[len(m.ID)-2:], m.ID)))
	_, err = f.Open(t.Context(), strings.TrimPrefix(address, baseURL+"/media/"))
	problemOf(t, err, problem.MediaUnavailable)
	_, err = f.Read(t.Context(), "acct_a", m.ID)
	problemOf(t, err, problem.MediaUnavailable)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	require.Zero(t, f.fetchDue(t))
}

func TestAFileOfAPublicAddressIsTaken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	m, address, err := f.Fetch(t.Context(), "acct_a", f.provider.URL+"/pictures/cat.jpg?size=large")
	require.NoError(t, err)
	require.Equal(t, "image/png", m.ContentType)
	require.Equal(t, "cat.png", m.FileName, "the bytes decide")
	require.Equal(t, png, f.read(t, strings.TrimPrefix(address, baseURL+"/media/")))
}

func TestAnAddressThatGivesNoFileLeavesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, test := range map[string]struct {
		provider http.HandlerFunc
		code     string
	}{
		"not there":     {status(http.StatusNotFound), problem.InvalidField},
		"not for us":    {status(http.StatusForbidden), problem.InvalidField},
		"down":          {status(http.StatusBadGateway), problem.MediaUnavailable},
		"busy":          {status(http.StatusTooManyRequests), problem.MediaUnavailable},
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Log in first") }, problem.InvalidField},
		"in circles":    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, problem.InvalidField},
		"too large":     {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, png+strings.Repeat("x", maxBytes)) }, problem.BodyTooLarge},
		"said to be so": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9999999") }, problem.BodyTooLarge},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, png)
		}, problem.InvalidField},
	} {
		f.provide(test.provider)
		_, _, err := f.Fetch(t.Context(), "acct_a", f.provider.URL)
		require.Equal(t, "media", problemOf(t, err, test.code).Field, name)
	}
	for _, address := range []string{"", "ftp://example.com/x", "https://user:pass@example.com/", "nonsense"} {
		_, _, err := f.Fetch(t.Context(), "acct_a", address)
		problemOf(t, err, problem.InvalidField)
	}
	require.Empty(t, f.files(t))
}

func TestAnAddressInAClosedNetworkIsNeverCalled(t *testing.T) {
	t.Parallel()
	door, err := safehttp.New(safehttp.Options{Timeout: time.Minute, UserAgent: "test"})
	require.NoError(t, err)
	t.Cleanup(door.Close)
	f := newFixture(t)
	guarded := f.options
	guarded.HTTP = door.PublicHTTP()
	service, err := media.New(guarded)
	require.NoError(t, err)
	t.Cleanup(service.Close)
	for _, address := range []string{f.provider.URL, "https" + strings.TrimPrefix(f.provider.URL, "http"), "https://169.254.169.254/latest", "https://[::1]/"} {
		_, _, err := service.Fetch(t.Context(), "acct_a", address)
		require.Equal(t, "media", problemOf(t, err, problem.InvalidURL).Field, address)
	}
	require.Zero(t, f.calls.Load())
	require.Empty(t, f.files(t))
}

func TestAFileThatAStoredPostHasIsNotDiscarded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := time.UnixMilli(f.now.Load())
	kept, _, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	left, _, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	post := &store.Post{ID: "post_a", AccountID: "acct_a", Status: store.PostQueued, Media: `[{"id":"` + kept.ID + `"}]`, Origin: "api", CreatedAt: at, UpdatedAt: at}
	require.NoError(t, f.store.InsertPost(t.Context(), post, nil))
	require.NoError(t, f.store.AttachMedia(t.Context(), "acct_a", []string{kept.ID, left.ID}, "post_a"))
	require.NoError(t, f.Discard(t.Context(), "acct_a", []string{kept.ID, left.ID}))
	require.Equal(t, []string{kept.ID}, f.files(t))
}

// deadly is a storage that takes a file and is the last that its process sees.
type deadly struct{ media.Storage }

func (d deadly) Put(ctx context.Context, name string, file *os.File, size int64, contentType string) error {
	if err := d.Storage.Put(ctx, name, file, size, contentType); err != nil {
		return err
	}
	panic("killed")
}

func TestAFileOfAProcessThatDiedIsFoundByThePurge(t *testing.T) {
	t.Parallel()
	service := buckettest.New(t, false)
	storage, err := bucket.New(bucket.Options{
		Endpoint: service.URL, Name: buckettest.Name, Region: buckettest.Region, AccessKey: buckettest.AccessKey, SecretKey: buckettest.SecretKey, PathStyle: true,
	})
	require.NoError(t, err)
	t.Cleanup(storage.Close)
	f := newFixtureOn(t, deadly{storage})
	require.Panics(t, func() { _, _, _ = f.Store(t.Context(), upload(png)) })
	require.Len(t, service.Names(), 1)
	f.advance(25 * time.Hour)
	n, err := f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()).Add(-48*time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, service.Names())
}

func TestFilesOfWaitingPostsOutliveTheRetentionAndLooseOnesOneDay(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := time.UnixMilli(f.now.Load())
	post := &store.Post{ID: "post_a", AccountID: "acct_a", Status: store.PostScheduled, Origin: "api", CreatedAt: at, UpdatedAt: at}
	require.NoError(t, f.store.InsertPost(t.Context(), post, nil))
	kept, _, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	require.NoError(t, f.store.AttachMedia(t.Context(), "acct_a", []string{kept.ID}, "post_a"))
	loose, _, err := f.Store(t.Context(), upload(png))
	require.NoError(t, err)
	purge := func(retention time.Duration) int {
		n, err := f.PurgeAny(t.Context(), time.UnixMilli(f.now.Load()).Add(-retention), 10)
		require.NoError(t, err)
		return n
	}
	f.advance(24 * time.Hour)
	require.Zero(t, purge(48*time.Hour))
	require.ElementsMatch(t, []string{kept.ID, loose.ID}, f.files(t))
	f.advance(time.Minute)
	require.Equal(t, 1, purge(48*time.Hour))
	require.Equal(t, []string{kept.ID}, f.files(t))
	f.advance(1000 * time.Hour)
	require.Zero(t, purge(48*time.Hour))
	require.NoError(t, f.store.CancelPost(t.Context(), "acct_a", "post_a", at))
	_, err = f.store.Database().Exec(t.Context(), `UPDATE posts SET status = 'cancelled'`) // a post without targets settles as a draft
	require.NoError(t, err)
	require.Equal(t, 1, purge(48*time.Hour))
	require.Empty(t, f.files(t))
}
