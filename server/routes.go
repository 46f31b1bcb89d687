package server

import "slices"

// access says who may call a route.
type access int

const (
	public       access = iota
	userOrKey           // a login token or an API key
	userOnly            // a login token
	ownerOnly           // a login token of an owner
	keyOnly             // an API key
	keyOrSigned         // an API key, or a signature made with one; the account stands in the path
	metricsToken        // METRICS_TOKEN, or a private address where none is set
	hookToken           // the token in the path, of an incoming webhook
	dashboard           // a page, which knows its visitors by a cookie
)

// route is one row of the route table.
type route struct {
	method     string
	path       string
	access     access
	limited    bool // counts against the rate limit of the API key, the user or the incoming webhook
	idempotent bool // takes an Idempotency-Key
	handle     func(*request) (answer, error)
}

// takesFiles tells of a row whether it takes forms with files too, which its handler reads as they arrive.
func (r *route) takesFiles() bool {
	return r.method == "POST" && (r.path == "/v1/posts" || r.path == "/v1/messages" || r.path == "/hooks/:token")
}

// aliases are further addresses of rows of the table, kept for clients and left out of openapi.yaml: docs/adr/0011.
func (s *Server) aliases() []route {
	return []route{
		{"GET", "/v1/channels/connect/:connector", userOrKey, true, false, s.connectChannel},
	}
}

// routes is THE route table. openapi.yaml describes each of its rows; a test compares the two.
func (s *Server) routes() []route {
	return slices.Concat(s.systemRoutes(), s.overviewRoutes(), s.accountRoutes(), s.postingRoutes(), []route{
		{"GET", "/v1/connectors", userOrKey, true, false, s.listConnectors},
		{"GET", "/v1/channels", userOrKey, true, false, s.listChannels},
		{"POST", "/v1/channels", userOrKey, true, true, s.createChannel},
		{"GET", "/v1/connect/:connector", userOrKey, true, false, s.connectChannel},
		{"GET", "/v1/connections/:id", userOrKey, true, false, s.getConnection},
		{"GET", "/v1/channels/:id", userOrKey, true, false, s.getChannel},
		{"PATCH", "/v1/channels/:id", userOrKey, true, false, s.changeChannel},
		{"DELETE", "/v1/channels/:id", userOrKey, true, false, s.deleteChannel},
		{"POST", "/v1/channels/:id/check", userOrKey, true, false, s.checkChannel},
		{"POST", "/v1/channels/:id/simulate", userOrKey, true, true, s.simulate},

		{"GET", "/v1/sessions", userOrKey, true, false, s.listSessions},
		{"POST", "/v1/sessions", userOrKey, true, true, s.createSession},
		{"GET", "/v1/sessions/:id", userOrKey, true, false, s.getSession},
		{"PATCH", "/v1/sessions/:id", userOrKey, true, false, s.changeSession},
		{"DELETE", "/v1/sessions/:id", userOrKey, true, false, s.deleteSession},
		{"GET", "/v1/sessions/:id/qr", userOrKey, true, false, s.sessionQR},
		{"POST", "/v1/sessions/:id/link", userOrKey, true, false, s.linkSession},
		{"POST", "/v1/sessions/:id/pair", userOrKey, true, false, s.pairSession},
		{"POST", "/v1/sessions/:id/passkey", userOrKey, true, false, s.answerPasskey},
		{"POST", "/v1/sessions/:id/passkey/confirm", userOrKey, true, false, s.confirmPasskey},
		{"POST", "/v1/sessions/:id/logout", userOrKey, true, false, s.logoutSession},
		{"POST", "/v1/sessions/:id/check-numbers", userOrKey, true, false, s.checkNumbers},
		{"POST", "/v1/sessions/:id/read", userOrKey, true, false, s.readMessages},

		{"GET", "/v1/contacts", userOrKey, true, false, s.listContacts},
		{"POST", "/v1/contacts", userOrKey, true, true, s.createContact},
		{"GET", "/v1/contacts/export", userOrKey, true, false, s.exportContacts},
		{"POST", "/v1/contacts/import", userOrKey, true, true, s.importContacts},
		{"GET", "/v1/contacts/imports/:id", userOrKey, true, false, s.getContactImport},
		{"GET", "/v1/contacts/:id", userOrKey, true, false, s.getContact},
		{"PATCH", "/v1/contacts/:id", userOrKey, true, false, s.changeContact},
		{"DELETE", "/v1/contacts/:id", userOrKey, true, false, s.deleteContact},

		{"GET", "/v1/webhooks", userOrKey, true, false, s.listWebhooks},
		{"POST", "/v1/webhooks", userOrKey, true, true, s.createWebhook},
		{"POST", "/v1/webhooks/settings", userOrKey, true, true, s.setSettingsWebhook},
		{"POST", "/v1/webhooks/test", userOrKey, true, false, s.testSettingsWebhook},
		{"GET", "/v1/webhooks/:id", userOrKey, true, false, s.getWebhook},
		{"PATCH", "/v1/webhooks/:id", userOrKey, true, false, s.changeWebhook},
		{"DELETE", "/v1/webhooks/:id", userOrKey, true, false, s.deleteWebhook},
		{"GET", "/v1/webhooks/:id/secret", userOnly, true, false, s.webhookSecret},
		{"POST", "/v1/webhooks/:id/rotate-secret", userOrKey, true, true, s.rotateWebhookSecret},
		{"POST", "/v1/webhooks/:id/test", userOrKey, true, false, s.testWebhook},
		{"POST", "/v1/webhooks/:id/replay", userOrKey, true, true, s.replayWebhook},

		{"GET", "/v1/event-types", userOrKey, true, false, s.listEventTypes},
		{"GET", "/v1/events", userOrKey, true, false, s.listEvents},
		{"GET", "/v1/events/samples/:event", userOrKey, true, false, s.eventSample},
		{"GET", "/v1/events/:id", userOrKey, true, false, s.getEvent},
		{"GET", "/v1/deliveries", userOrKey, true, false, s.listDeliveries},
		{"GET", "/v1/deliveries/:id", userOrKey, true, false, s.getDelivery},
		{"POST", "/v1/deliveries/:id/replay", userOrKey, true, true, s.replayDelivery},

		{"GET", "/v1/messages", userOrKey, true, false, s.listMessages},
		{"POST", "/v1/messages", keyOnly, true, true, s.sendMessage},
		{"GET", "/v1/messages/:id", userOrKey, true, false, s.getMessage},
		{"POST", "/api/v1/outbound/:userID/send", keyOrSigned, true, true, s.sendOutbound},

		{"GET", "/callbacks/meta", public, false, false, s.metaCallback},
		{"POST", "/callbacks/meta", public, false, false, s.metaCallback},
		{"GET", "/callbacks/:connector/:channelID", public, false, false, s.callback},
		{"POST", "/callbacks/:connector/:channelID", public, false, false, s.callback},
		{"GET", "/oauth/callback", public, false, false, s.oauthCallback},
		{"GET", "/media/:token", public, false, false, s.media},
	})
}

// systemRoutes are the rows of the route table that concern the server itself.
func (s *Server) systemRoutes() []route {
	return []route{
		{"GET", "/healthz", public, false, false, s.health},
		{"GET", "/readyz", public, false, false, s.ready},
		{"GET", "/metrics", metricsToken, false, false, s.metrics},
		{"GET", "/openapi.yaml", public, false, false, s.openAPIYAML},
		{"GET", "/openapi.json", public, false, false, s.openAPIJSON},
		{"GET", "/docs", public, false, false, s.docs},
		{"GET", "/docs/:file", public, false, false, s.docsFile},
	}
}

// accountRoutes are the rows of the route table that say who may do what.
func (s *Server) accountRoutes() []route {
	return []route{
		{"POST", "/v1/auth/register", public, false, false, s.register},
		{"POST", "/v1/auth/login", public, false, false, s.login},
		{"POST", "/v1/auth/accept-invite", public, false, false, s.acceptInvite},
		{"POST", "/v1/auth/password", userOnly, false, false, s.changePassword},
		{"POST", "/v1/auth/logout-all", userOnly, false, false, s.logoutAll},
		{"GET", "/v1/logins", userOnly, false, false, s.listLogins},
		{"DELETE", "/v1/logins/:id", userOnly, false, false, s.deleteLogin},
		{"GET", "/v1/me", userOrKey, true, false, s.me},
		{"PATCH", "/v1/account", ownerOnly, false, false, s.changeAccount},
		{"GET", "/v1/system", userOnly, false, false, s.system},

		{"GET", "/v1/members", ownerOnly, false, false, s.listMembers},
		{"PATCH", "/v1/members/:id", ownerOnly, false, false, s.changeMember},
		{"DELETE", "/v1/members/:id", ownerOnly, false, false, s.deleteMember},
		{"GET", "/v1/invites", ownerOnly, false, false, s.listInvites},
		{"POST", "/v1/invites", ownerOnly, false, true, s.createInvite},
		{"DELETE", "/v1/invites/:id", ownerOnly, false, false, s.deleteInvite},

		{"GET", "/v1/keys", userOnly, false, false, s.listKeys},
		{"POST", "/v1/keys", ownerOnly, false, true, s.createKey},
		{"DELETE", "/v1/keys/:id", ownerOnly, false, false, s.deleteKey},
		{"POST", "/v1/keys/:id/rotate", ownerOnly, false, false, s.rotateKey},
	}
}

// postingRoutes are the rows of the route table that posts come by.
func (s *Server) postingRoutes() []route {
	return []route{
		{"GET", "/v1/posts", userOrKey, true, false, s.listPosts},
		{"POST", "/v1/posts", userOrKey, true, true, s.createPost},
		{"POST", "/v1/posts/preview", userOrKey, true, false, s.previewPost},
		{"GET", "/v1/posts/:id", userOrKey, true, false, s.getPost},
		{"PATCH", "/v1/posts/:id", userOrKey, true, false, s.changePost},
		{"DELETE", "/v1/posts/:id", userOrKey, true, false, s.cancelPost},
		{"POST", "/v1/posts/:id/retry", userOrKey, true, true, s.retryPost},

		{"GET", "/v1/queues", userOrKey, true, false, s.listQueues},
		{"POST", "/v1/queues", userOrKey, true, true, s.createQueue},
		{"GET", "/v1/queues/:id", userOrKey, true, false, s.getQueue},
		{"PATCH", "/v1/queues/:id", userOrKey, true, false, s.changeQueue},
		{"DELETE", "/v1/queues/:id", userOrKey, true, false, s.deleteQueue},
		{"GET", "/v1/queues/:id/preview", userOrKey, true, false, s.previewQueue},
		{"POST", "/v1/queues/:id/reorder", userOrKey, true, false, s.reorderQueue},

		{"GET", "/v1/incoming-webhooks", userOrKey, true, false, s.listIncoming},
		{"POST", "/v1/incoming-webhooks", userOrKey, true, true, s.createIncoming},
		{"GET", "/v1/incoming-webhooks/:id", userOrKey, true, false, s.getIncoming},
		{"PATCH", "/v1/incoming-webhooks/:id", userOrKey, true, false, s.changeIncoming},
		{"DELETE", "/v1/incoming-webhooks/:id", userOrKey, true, false, s.deleteIncoming},
		{"POST", "/v1/incoming-webhooks/:id/rotate", userOrKey, true, true, s.rotateIncoming},
		{"POST", "/hooks/:token", hookToken, true, true, s.hook},
	}
}

// overviewRoutes are the rows of the route table that sum up what there is. They come before those whose parameter would take their last part.
func (s *Server) overviewRoutes() []route {
	return []route{
		{"GET", "/v1/overview", userOrKey, true, false, s.overview},
		{"GET", "/v1/webhooks/stats", userOrKey, true, false, s.allWebhookStats},
		{"GET", "/v1/webhooks/:id/stats", userOrKey, true, false, s.webhookStats},
		{"GET", "/v1/conversations", userOrKey, true, false, s.listConversations},
		{"GET", "/v1/callbacks", userOrKey, true, false, s.listCallbacks},
		{"GET", "/v1/callbacks/:id", userOrKey, true, false, s.getCallback},
	}
}
