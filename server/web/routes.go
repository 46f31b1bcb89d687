package web

import "slices"

// Who may open a page.
type access int

const (
	anybody  access = iota // also without a login
	loggedIn               // any user of the account
	owner                  // a user who owns the account
)

// Route is one row of the dashboard's route table.
type Route struct {
	Method string
	Path   string
	access access
	handle func(*page) error
}

// Routes is the dashboard's route table. Each screen has its rows in its own file.
func (w *Web) Routes() []Route {
	return slices.Concat([]Route{
		{"GET", "/", anybody, w.root},
		{"GET", "/app/assets/:hash/:file", anybody, w.asset},
		{"GET", "/app/live", loggedIn, w.stream},
	}, w.loginRoutes(), w.homeRoutes(), w.settingRoutes(), w.keyRoutes(), w.channelRoutes(), w.webhookRoutes(), w.deliveryRoutes(), w.eventRoutes(), w.callbackRoutes(), w.messageRoutes(), w.contactRoutes(), w.postRoutes(), w.queueRoutes(), w.incomingRoutes(), []Route{
		{"GET", "/app/*", anybody, w.missing}, // last: what no other row has
	})
}
