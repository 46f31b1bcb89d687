package server

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/problem"
)

// probeTimeout is how long the database and Redis may take to answer /readyz.
const probeTimeout = time.Second

// health says that the process lives. It asks nobody else.
func (s *Server) health(*request) (answer, error) {
	return ok(map[string]string{"status": "ok", "version": s.Version})
}

// ready says whether requests should be sent here: not while draining, and not without the database.
func (s *Server) ready(r *request) (answer, error) {
	select {
	case <-s.draining:
		return answer{}, problem.New(problem.ServiceUnavailable, "This process is stopping.")
	default:
	}
	ctx, cancel := context.WithTimeout(r.ctx, probeTimeout)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		return answer{}, problem.Unavailable(err)
	}
	return ok(map[string]string{"status": "ready"})
}

func (s *Server) metrics(*request) (answer, error) {
	text, contentType, err := s.Metrics.Text()
	if err != nil {
		return answer{}, err
	}
	return answer{status: fiber.StatusOK, raw: text, contentType: contentType}, nil
}
