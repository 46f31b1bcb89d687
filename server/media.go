package server

import (
	"github.com/gofiber/fiber/v2"
)

// media hands out a file of a message. The token in the path is the whole credential. Whatever the file is, a browser saves it and runs
// nothing of it.
func (s *Server) media(r *request) (answer, error) {
	file, err := s.Media.Open(r.ctx, r.Params("token"))
	if err != nil {
		return answer{}, err
	}
	r.Set(fiber.HeaderContentType, file.ContentType)
	r.Set(fiber.HeaderContentDisposition, file.Disposition)
	r.Set(fiber.HeaderContentSecurityPolicy, "sandbox; default-src 'none'")
	r.Set(fiber.HeaderCacheControl, "private, max-age=3600, immutable")
	r.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	r.Response().SetBodyStream(file, int(file.Size)) // read while it is sent, and closed afterwards
	return answer{status: fiber.StatusOK}, nil
}
