package server

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

// media hands out a file of a message or post, or the part of it that Range asks for. The token in the path is the whole credential. Whatever
// the file is, a browser saves it and runs nothing of it.
func (s *Server) media(r *request) (answer, error) {
	file, err := s.Media.Open(r.ctx, r.Params("token"))
	if err != nil {
		return answer{}, err
	}
	r.Set(fiber.HeaderAcceptRanges, "bytes")
	status, from, size := fiber.StatusOK, int64(0), file.Size
	if r.Method() == fiber.MethodGet { // RFC 9110, 14.2: Range means nothing with other methods
		part, asked := parseRange(r.Get(fiber.HeaderRange), file.Size)
		switch {
		case asked && part.length == 0:
			_ = file.Close()
			r.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", file.Size))
			return answer{}, problem.New(problem.RangeUnsatisfiable, fmt.Sprintf("The file has %d bytes, and none where Range asks for some.", file.Size))
		case asked:
			status, from, size = fiber.StatusPartialContent, part.from, part.length
			r.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", from, from+size-1, file.Size))
		}
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		_ = file.Close()
		return answer{}, fmt.Errorf("seek in media: %w", err)
	}
	r.Set(fiber.HeaderContentType, file.ContentType)
	r.Set(fiber.HeaderContentDisposition, file.Disposition)
	r.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'")
	r.Set(fiber.HeaderCacheControl, "private, max-age=3600, immutable")
	r.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	r.Response().SetBodyStream(&filePart{io.LimitReader(file, size), file}, int(size)) // read while it is sent, and closed afterwards
	return answer{status: status}, nil
}

// filePart reads a part of a file and closes the whole.
type filePart struct {
	io.Reader
	io.Closer
}

// byteRange is a part of a file; without length there is nothing there.
type byteRange struct{ from, length int64 }

// parseRange reads a Range header (RFC 9110, 14.1.2). It is false where there is none that we take: another unit, several ranges, or a
// malformed one, for which the whole file is an answer.
func parseRange(header string, size int64) (byteRange, bool) {
	unit, ranges, _ := strings.Cut(header, "=")
	first, last, found := strings.Cut(strings.TrimSpace(ranges), "-")
	if !strings.EqualFold(strings.TrimSpace(unit), "bytes") || !found {
		return byteRange{}, false
	}
	if first == "" {
		n, ok := position(last)
		if !ok {
			return byteRange{}, false
		}
		n = min(n, size)
		return byteRange{size - n, n}, true
	}
	from, ok := position(first)
	to := size - 1
	if ok && last != "" {
		to, ok = position(last)
		ok = ok && to >= from
	}
	if !ok {
		return byteRange{}, false
	}
	return byteRange{from, max(0, min(to, size-1)-from+1)}, true
}

// position reads a number of bytes; one that no file has counts as the largest.
func position(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return n, true
}
