package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

//go:embed static
var staticFiles embed.FS

// asset is a file that pages load. Its address holds its hash, so that it may be kept for ever.
type asset struct {
	address     string
	contentType string
	plain       []byte
	packed      []byte // with gzip
}

type assets struct {
	byName map[string]*asset // by file name; they are unique
}

// readAssets reads the embedded files and packs them, once.
func readAssets() (*assets, error) {
	a := &assets{byName: map[string]*asset{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".md") {
			return err
		}
		raw, err := staticFiles.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read asset: %w", err)
		}
		file, err := newAsset(path.Base(name), raw)
		a.byName[path.Base(name)] = file
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	return a, nil
}

func newAsset(name string, raw []byte) (*asset, error) {
	sum := sha256.Sum256(raw)
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("pack asset: %w", err)
	}
	if _, err := writer.Write(raw); err != nil {
		return nil, fmt.Errorf("pack asset: %w", err)
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("pack asset: %w", err)
	}
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
	kind := types[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	return &asset{address: "/app/assets/" + hex.EncodeToString(sum[:8]) + "/" + name, contentType: kind, plain: raw, packed: packed.Bytes()}, nil
}

// address is where a page loads a file from.
func (a *assets) address(name string) (string, error) {
	file := a.byName[name]
	if file == nil {
		return "", fmt.Errorf("there is no asset %s", name)
	}
	return file.address, nil
}

func (w *Web) asset(p *page) error {
	file := w.assets.byName[p.Params("file")]
	if file == nil || file.address != p.Path() {
		return problem.New(problem.NotFound, w.text("error.missing"))
	}
	p.Set(fiber.HeaderContentType, file.contentType)
	p.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	p.Response().Header.Del(fiber.HeaderVary)
	p.Vary(fiber.HeaderAcceptEncoding)
	if p.takesGzip() {
		p.Set(fiber.HeaderContentEncoding, "gzip")
		return p.Send(file.packed)
	}
	return p.Send(file.plain)
}
