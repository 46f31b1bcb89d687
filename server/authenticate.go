package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/switchhook/switchhook/internal/account"
	"github.com/switchhook/switchhook/internal/limit"
	"github.com/switchhook/switchhook/internal/problem"
	"github.com/switchhook/switchhook/internal/secret"
)

// The headers that authenticate. Their names are case-insensitive; the two spellings of the signature mean the same.
const (
	keyHeader               = "X-Api-Key"
	timestampHeader         = "X-Switchhook-Timestamp"
	signatureHeader         = "X-Switchhook-Signature"
	contractTimestampHeader = "X-Socialhook-Timestamp"
	contractSignatureHeader = "X-Socialhook-Signature"
)

// guessLimit and guessPeriod bound how many wrong credentials a client may show. Right ones are not counted and never
// refused for it: behind one address there may be many clients.
const (
	guessLimit  = 300
	guessPeriod = time.Minute
)

// authenticate decides whether the caller may use the route, and as whom.
func (s *Server) authenticate(r *request) error {
	switch r.route.access {
	case public, dashboard:
		return nil
	case metricsToken:
		return s.authenticateMetrics(r)
	case hookToken:
		return s.authenticateHook(r)
	}
	if principal, inside := r.inside(); inside {
		r.principal = principal
		return admitInside(r, principal)
	}
	principal, err := s.identify(r)
	if err != nil {
		return err
	}
	r.principal = principal
	return admit(r, principal)
}

// identify reads the first credential that the request has. A wrong one is not made up for by another.
func (s *Server) identify(r *request) (account.Principal, error) {
	var principal account.Principal
	var err error
	authorization := r.Get(fiber.HeaderAuthorization)
	timestamp, signature := r.signature()
	switch key := r.Get(keyHeader); {
	case key != "" && !secret.IsAPIKey(key):
		err = problem.New(problem.Unauthorized, "X-Api-Key is not an API key: one is sk_live_ and 64 hex digits. Make one with POST /v1/keys.")
	case key != "":
		principal, err = s.Accounts.Authenticate(r.ctx, key)
	case authorization != "":
		principal, err = s.bearer(r, authorization)
	case r.route.access == keyOrSigned && timestamp+signature != "":
		principal, err = s.verify(r, timestamp, signature)
	default:
		return principal, missingCredential(r.route.access)
	}
	if err != nil {
		return account.Principal{}, s.countGuess(r, err)
	}
	return principal, nil
}

func (s *Server) bearer(r *request, authorization string) (account.Principal, error) {
	scheme, credential, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return account.Principal{}, problem.New(problem.Unauthorized, "Authorization must be Bearer and an API key or a login token.")
	}
	return s.Accounts.Authenticate(r.ctx, strings.TrimSpace(credential))
}

// signature reads the headers of a signed request, in the one spelling or the other.
func (r *request) signature() (timestamp, signature string) {
	timestamp, signature = r.Get(timestampHeader), r.Get(signatureHeader)
	if timestamp == "" && signature == "" {
		return r.Get(contractTimestampHeader), r.Get(contractSignatureHeader)
	}
	return timestamp, signature
}

func (s *Server) verify(r *request, timestamp, signature string) (account.Principal, error) {
	body, err := r.rawBody()
	if err != nil {
		return account.Principal{}, err
	}
	return s.Accounts.VerifySignature(r.ctx, r.Params("userID"), timestamp, signature, body)
}

func missingCredential(a access) error {
	switch a {
	case userOnly, ownerOnly:
		return problem.New(problem.Unauthorized, "Log in with POST /v1/auth/login and send the token as Authorization: Bearer <token>.")
	case keyOnly:
		return problem.New(problem.Unauthorized, "Send an API key as X-Api-Key, or as Authorization: Bearer <key>.")
	case keyOrSigned:
		return problem.New(problem.Unauthorized, "Send an API key as X-Api-Key, or sign the request with X-Socialhook-Timestamp and X-Socialhook-Signature.")
	}
	return problem.New(problem.Unauthorized, "Send an API key as X-Api-Key, or a login token as Authorization: Bearer <token>.")
}

// admit decides whether a principal may use the request's route.
func admit(r *request, principal account.Principal) error {
	switch r.route.access {
	case userOnly, ownerOnly:
		if principal.Kind != account.KindUser {
			return problem.New(problem.Forbidden, "An API key may not do this. Log in with POST /v1/auth/login and use the token.")
		}
		if r.route.access == ownerOnly && principal.Role != account.RoleOwner {
			return problem.New(problem.Forbidden, "Only an owner of the account may do this. Ask one of them to do it, or to make you an owner.")
		}
	case keyOnly, keyOrSigned:
		if principal.Kind != account.KindKey {
			return problem.New(problem.KeyRequired, "A login token is not enough here. Send an API key as X-Api-Key; POST /v1/keys makes one.")
		}
	}
	// The contract knows no 404 here: a key on another account's path is a wrong credential.
	if r.route.access == keyOrSigned && r.Params("userID") != principal.AccountID {
		return problem.New(problem.Unauthorized, "The API key does not belong to the user id in the path. GET /v1/me shows the right one.")
	}
	return nil
}

// admitInside is admit for a call from a page. What else takes a key only, because it sends messages, takes a user who is logged in here: a person
// answers by hand.
func admitInside(r *request, principal account.Principal) error {
	if r.route.access == keyOnly {
		return nil
	}
	return admit(r, principal)
}

// countGuess turns a wrong credential into a 429 when the client has shown too many of them. When they cannot be counted it
// stays a 401: keys are too long to be guessed, passwords are counted elsewhere.
func (s *Server) countGuess(r *request, failure error) error {
	var p *problem.Error
	if !errors.As(failure, &p) || (p.Code != problem.Unauthorized && p.Code != problem.InvalidSignature) {
		return failure
	}
	rate := limit.Rate{Limit: guessLimit, Period: guessPeriod}
	result, err := s.Limiter.Take(r.ctx, "guess:"+limit.ClientKey(s.clientIP(r.Ctx)), rate)
	if err != nil || result.Allowed {
		return failure
	}
	return rateLimited(result, s.Now())
}

// authenticateMetrics asks for METRICS_TOKEN. Where none is set, it lets private networks in.
func (s *Server) authenticateMetrics(r *request) error {
	if s.MetricsToken == "" {
		if ip := s.clientIP(r.Ctx); s.knowsClient(r.Ctx) && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()) {
			return nil
		}
		return problem.New(problem.Forbidden, "Metrics are for private networks only. Set METRICS_TOKEN and send it as Authorization: Bearer <token>.")
	}
	scheme, token, _ := strings.Cut(r.Get(fiber.HeaderAuthorization), " ")
	given, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(s.MetricsToken))
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		return problem.New(problem.Unauthorized, "Send METRICS_TOKEN as Authorization: Bearer <token>.")
	}
	return nil
}

// forwarded reports whether a proxy says that it stands in between.
func forwarded(c *fiber.Ctx) bool {
	return c.Get(fiber.HeaderXForwardedFor) != "" || c.Get(fiber.HeaderForwarded) != "" || c.Get("X-Real-Ip") != ""
}

// knowsClient reports whether clientIP is the client's. Of what a proxy has forwarded that is not in TRUSTED_PROXIES, only the
// proxy's own address is known, which is often a private one.
func (s *Server) knowsClient(c *fiber.Ctx) bool {
	return !forwarded(c) || s.trusted(remoteIP(c))
}

// local reports whether a program on this machine is certainly calling: over loopback, with no proxy in between, and by
// a loopback name, which a web page elsewhere cannot give that had its own name changed to lead here.
func local(c *fiber.Ctx) bool {
	if forwarded(c) || !remoteIP(c).IsLoopback() {
		return false
	}
	host, err := url.Parse("//" + string(c.Request().Host()))
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host.Hostname())
	return host.Hostname() == "localhost" || (err == nil && ip.IsLoopback())
}

func remoteIP(c *fiber.Ctx) netip.Addr {
	ip, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	return ip.Unmap()
}
