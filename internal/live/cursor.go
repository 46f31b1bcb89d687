package live

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// maxCursor is longer than any cursor that this package makes.
const maxCursor = 64

// errCursor says that a text is no cursor of the account's.
var errCursor = errors.New("not a cursor of this account")

// cursor writes a point in time of an account's stream: milliseconds in base 36, a mark of the account, and whose clock it was; empty where that is not
// known. It needs no row, so that there is one before the first event and after a purge, and any process can read it. It gives no access: a stream's
// account comes from its login.
func cursor(accountID string, at time.Time, clock string) string {
	text := strconv.FormatInt(at.UnixMilli(), 36) + "-" + mark(accountID)
	if clock != "" {
		text += "-" + clock
	}
	return text
}

func mark(accountID string) string {
	sum := sha256.Sum256([]byte("live\x00" + accountID))
	return hex.EncodeToString(sum[:6])
}

// parseCursor reads what cursor wrote for the same account. It refuses what no cursor says: another account's, or a time before the epoch.
func parseCursor(accountID, text string) (at time.Time, clock string, err error) {
	if len(text) > maxCursor {
		return time.Time{}, "", errCursor
	}
	number, rest, _ := strings.Cut(text, "-")
	tag, clock, named := strings.Cut(rest, "-")
	if tag != mark(accountID) || named && clock == "" {
		return time.Time{}, "", errCursor
	}
	ms, err := strconv.ParseInt(number, 36, 64)
	if err != nil || ms <= 0 || strconv.FormatInt(ms, 36) != number {
		return time.Time{}, "", errCursor
	}
	return time.UnixMilli(ms), clock, nil
}
