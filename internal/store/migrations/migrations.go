// Package migrations holds the database's schema as numbered upgrades. A released file is never changed: a change is a new file.
package migrations

import (
	"embed"

	"go.mau.fi/util/dbutil"
)

//go:embed *.sql
var files embed.FS

// Table returns the upgrades in their order. It panics when a file's header is malformed, which a test would have shown.
func Table() dbutil.UpgradeTable {
	upgrades := dbutil.BuildUpgradeTable()
	return upgrades.WithFS(files).Finish()
}
