package metatest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/switchhook/switchhook/connectors"
	"github.com/switchhook/switchhook/connectors/connectortest"
)

// Sign returns the X-Hub-Signature-256 of a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(body) // a hash takes everything
	return fmt.Sprintf("sha256=%x", mac.Sum(nil))
}

// SignCallback signs a request as connectortest.Suite.Sign wants it.
func SignCallback(secret string, request *connectors.CallbackRequest) {
	request.Header.Set("X-Hub-Signature-256", Sign(secret, request.Body))
}

// Callback makes the signed request that Meta would make.
func Callback(ctx context.Context, secret, address string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make callback: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Hub-Signature-256", Sign(secret, body))
	return request, nil
}

// Network is the stand-in as connectortest knows it.
func (s *Server) Network() connectortest.Network {
	return connectortest.Network{URL: s.URL, Requests: s.Count, Fail: s.fail}
}

// hang is far longer than a test lasts.
const hang = time.Hour

// unknownCode is an error code that nobody knows, so that the status decides.
const unknownCode = 999999

func (s *Server) fail(failure connectortest.Failure) (arrived <-chan struct{}) {
	trouble := Trouble{Status: failure.Status, Cut: failure.Cut, Header: map[string]string{}}
	if failure.RetryAfter != "" {
		trouble.Header["Retry-After"] = failure.RetryAfter
	}
	if !failure.Gateway {
		trouble.Code = unknownCode
	}
	if failure.Hang {
		trouble.Delay = hang
	}
	return s.TroubleNext(trouble)
}
