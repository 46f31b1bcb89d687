package problem

// The codes of the catalogue.
const (
	InvalidField         = "invalid_field"
	RequiredField        = "required_field"
	UnknownField         = "unknown_field"
	InvalidJSON          = "invalid_json"
	InvalidCSV           = "invalid_csv"
	InvalidForm          = "invalid_form"
	UnsupportedMediaType = "unsupported_media_type"
	EncodedBody          = "encoded_body"
	BodyTooLarge         = "body_too_large"
	InvalidURL           = "invalid_url"
	InvalidCursor        = "invalid_cursor"
	Unauthorized         = "unauthorized"
	KeyRequired          = "key_required"
	InvalidSignature     = "invalid_signature"
	TimestampExpired     = "timestamp_expired"
	RequestTimeout       = "request_timeout"
	Forbidden            = "forbidden"
	HTTPSRequired        = "https_required"
	RegistrationClosed   = "registration_closed"
	SetupCodeRequired    = "setup_code_required"
	EmailTaken           = "email_taken"
	LastOwner            = "last_owner"
	NotFound             = "not_found"
	RouteNotFound        = "route_not_found"
	MethodNotAllowed     = "method_not_allowed"
	Conflict             = "conflict"
	ChannelExists        = "channel_exists"
	AlreadyLinked        = "number_already_linked"
	LinkInProgress       = "link_in_progress"
	IdempotencyConflict  = "idempotency_conflict"
	IdempotencyBusy      = "idempotency_in_progress"
	RangeUnsatisfiable   = "range_not_satisfiable"
	RateLimited          = "rate_limited"
	SessionNotConnected  = "session_not_connected"
	ChannelNotConnected  = "channel_not_connected"
	AmbiguousChannel     = "ambiguous_channel"
	NoChannel            = "no_channel"
	Unsupported          = "unsupported"
	WindowExpired        = "window_expired"
	MessageRejected      = "message_rejected"
	ChannelUnlinked      = "channel_unlinked"
	ProviderRateLimited  = "provider_rate_limited"
	ProviderUnavailable  = "provider_unavailable"
	Unconfirmed          = "unconfirmed"
	TooMany              = "too_many"
	MediaUnavailable     = "media_unavailable"
	MediaRejected        = "media_rejected"
	InternalError        = "internal_error"
	ServiceUnavailable   = "service_unavailable"
)

// Entry says what a code stands for.
type Entry struct {
	Code    string
	Status  int    // HTTP
	Meaning string // for docs/errors.md
}

// Catalogue lists every code that an answer can carry, in the order of their statuses.
func Catalogue() []Entry {
	return []Entry{
		{InvalidField, 400, "A field has a value that cannot be taken. `field` names it; `errors` lists all of them."},
		{RequiredField, 400, "A field is missing or empty."},
		{UnknownField, 400, "The request has a field that does not exist here; usually its name is misspelt."},
		{InvalidJSON, 400, "The body is not well-formed JSON in UTF-8."},
		{InvalidCSV, 400, "The body is not a CSV list in UTF-8 with a header row, or one of its lines does not fit that row."},
		{InvalidForm, 400, "The body is not a form (multipart/form-data) as this address takes it: it has no boundary, is cut off, or has too many parts."},
		{MediaRejected, 400, "A file cannot be posted: its type, its size or its name, or the network takes no such file."},
		{InvalidURL, 400, "An address cannot be used: not https, with a user name, or in a private network that the operator has not allowed."},
		{InvalidCursor, 400, "The cursor is not one that a list has answered with."},
		{SessionNotConnected, 400, "The WhatsApp session is not CONNECTED. Link it again or wait until it is back."},
		{ChannelNotConnected, 400, "The channel is switched off or its credentials do not work. Check it in GET /v1/channels/:id."},
		{AmbiguousChannel, 400, "Several channels fit. Name one with `from` or `channel_id`; the message lists them."},
		{NoChannel, 400, "The account has no channel that fits. Make one with POST /v1/channels."},
		{Unsupported, 400, "This kind of channel cannot do what was asked."},
		{MessageRejected, 400, "The network refuses the message for good. `provider` has its own words."},
		{ChannelUnlinked, 400, "The network refuses the channel's credentials. Give new ones with PATCH /v1/channels/:id."},
		{TooMany, 400, "The account has as many of these as it may have."},
		{Unauthorized, 401, "The credential is missing, wrong, expired or revoked."},
		{KeyRequired, 401, "This call takes an API key; a login token is not enough."},
		{InvalidSignature, 401, "The signature is missing or does not match the raw body."},
		{Forbidden, 403, "The credential may not do this."},
		{HTTPSRequired, 403, "The address was called without TLS. Send the request to its https address."},
		{RegistrationClosed, 403, "This server does not take new accounts. Its operator can change REGISTRATION."},
		{SetupCodeRequired, 403, "The first account needs the setup code that the server printed at its start."},
		{WindowExpired, 403, "The recipient has not written within the network's window (24 hours). Wait for a message, or send a template."},
		{NotFound, 404, "There is no such thing in this account."},
		{RouteNotFound, 404, "There is no such address. See /docs."},
		{MethodNotAllowed, 405, "The address exists, but not for this method."},
		{TimestampExpired, 408, "The signed timestamp is more than 5 minutes from the server's time."},
		{RequestTimeout, 408, "The request did not arrive completely in time. Send it again."},
		{Conflict, 409, "The thing is not in a state in which this can be done."},
		{ChannelExists, 409, "The account has a channel with this address already."},
		{AlreadyLinked, 409, "Another session of the account is linked to this number. Use that one, or log it out first."},
		{LinkInProgress, 409, "The session is being linked already. Look at its `step`, or wait until it ends."},
		{LastOwner, 409, "The account would be left without an owner. Make somebody else an owner first."},
		{EmailTaken, 409, "A user with this e-mail address exists already."},
		{IdempotencyConflict, 409, "The Idempotency-Key was used before with another request."},
		{IdempotencyBusy, 409, "The first request with this Idempotency-Key is still being worked on."},
		{BodyTooLarge, 413, "The body is larger than 1 MiB, or with files than MAX_UPLOAD."},
		{UnsupportedMediaType, 415, "The Content-Type is not one that this address takes."},
		{EncodedBody, 415, "The body is compressed. Send it as it is, without Content-Encoding."},
		{RangeUnsatisfiable, 416, "The file has no bytes where `Range` asks for some. `Content-Range` tells its size."},
		{RateLimited, 429, "Too many requests. Wait as long as Retry-After says."},
		{ProviderRateLimited, 429, "The network takes no more from this channel for the moment."},
		{InternalError, 500, "A failure of the server."},
		{MediaUnavailable, 502, "The file could not be fetched from the network yet."},
		{ProviderUnavailable, 503, "The network could not be reached or is in trouble. Nothing was sent."},
		{ServiceUnavailable, 503, "A part of the server is down. Nothing was changed."},
		{Unconfirmed, 504, "The network did not answer in time. Whether it acted is not known, so nothing is repeated."},
	}
}

// Lookup returns the entry of a code.
func Lookup(code string) (Entry, bool) {
	for _, entry := range Catalogue() {
		if entry.Code == code {
			return entry, true
		}
	}
	return Entry{}, false
}
