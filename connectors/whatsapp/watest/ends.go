package watest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"
)

// End is a way in which WhatsApp ends a connection. Its failures come instead of a login's success, its stream errors at any time.
type End string

// The ends that a client has to know. What the client does is whatsmeow's way.
const (
	FailureBadRequest    End = "failure-400"     // pairing data that WhatsApp does not understand: ConnectFailure, no reconnect
	FailureLoggedOut     End = "failure-401"     // the device was unlinked: LoggedOut, the device is deleted
	FailureBanned        End = "failure-402"     // TemporaryBan for an hour, no reconnect
	FailureAccountLocked End = "failure-403"     // LoggedOut, the device is deleted
	FailureOutdated      End = "failure-405"     // ClientOutdated, no reconnect
	FailureUnknownLogout End = "failure-406"     // LoggedOut, the device is deleted
	FailureUnknown       End = "failure-418"     // a number that no client knows: ConnectFailure, no reconnect
	FailureInternal      End = "failure-500"     // reconnects, waiting longer each time
	FailureUnavailable   End = "failure-503"     // the same
	StreamRestart        End = "stream-515"      // the client disconnects by itself and logs in; the server leaves the line open
	StreamDeviceRemoved  End = "stream-401"      // unlinked while connected: LoggedOut, the device is deleted
	StreamReplaced       End = "stream-replaced" // another login of the same device: StreamReplaced, no reconnect
	StreamUnavailable    End = "stream-503"      // the server goes away: Disconnected, then a reconnect
	LineCut              End = "cut"             // the socket closes without a word: Disconnected, then a reconnect
)

const (
	banCode   = 101  // too many people reported the sender
	banExpire = 3600 // seconds
)

// Ends returns all of them.
func Ends() []End {
	return []End{
		FailureBadRequest, FailureLoggedOut, FailureBanned, FailureAccountLocked, FailureOutdated, FailureUnknownLogout, FailureUnknown,
		FailureInternal, FailureUnavailable, StreamRestart, StreamDeviceRemoved, StreamReplaced, StreamUnavailable, LineCut,
	}
}

// Valid says whether the server knows the end.
func (e End) Valid() bool {
	return slices.Contains(Ends(), e)
}

// stanza is what the client is told; ok is false if it is told nothing.
func (e End) stanza() (node waBinary.Node, ok bool) {
	attrs := waBinary.Attrs{}
	var conflict []waBinary.Node
	switch e {
	case StreamRestart:
		attrs["code"] = "515"
	case StreamUnavailable:
		attrs["code"] = "503"
	case StreamDeviceRemoved:
		attrs["code"] = "401"
		conflict = []waBinary.Node{{Tag: "conflict", Attrs: waBinary.Attrs{"type": "device_removed"}}}
	case StreamReplaced:
		conflict = []waBinary.Node{{Tag: "conflict", Attrs: waBinary.Attrs{"type": "replaced"}}}
	case LineCut:
		return waBinary.Node{}, false
	default:
		return e.failure(), true
	}
	node = waBinary.Node{Tag: "stream:error", Attrs: attrs}
	if conflict != nil {
		node.Content = conflict
	}
	return node, true
}

func (e End) failure() waBinary.Node {
	var reason int
	if _, err := fmt.Sscanf(string(e), "failure-%d", &reason); err != nil {
		reason = 500
	}
	attrs := waBinary.Attrs{"reason": reason, "location": "watest"}
	if e == FailureBanned {
		attrs["code"], attrs["expire"] = banCode, banExpire
	}
	return waBinary.Node{Tag: "failure", Attrs: attrs}
}

// finish ends a connection.
func (c *conn) finish(e End) {
	node, told := e.stanza()
	if !told {
		c.close()
		return
	}
	c.send(node)
	if e != StreamRestart {
		c.closeSoon()
	}
}

// End ends all connections of the user's devices in that way, and returns how many there were.
func (u *User) End(e End) int {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	count := 0
	for _, device := range u.devices {
		if device.conn != nil {
			device.conn.finish(e)
			count++
		}
	}
	return count
}

// Drop cuts the connections of the user's devices without a word, and returns how many there were.
func (u *User) Drop() int {
	return u.End(LineCut)
}

// Unlink removes a device on the phone: its connection ends with StreamDeviceRemoved, a later login with FailureLoggedOut. It says
// whether the device was linked.
func (u *User) Unlink(number uint16) bool {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	device := u.devices[number]
	if device == nil {
		return false
	}
	delete(u.devices, number)
	if device.conn != nil {
		device.conn.finish(StreamDeviceRemoved)
	}
	return true
}

// Timelock tells the user's devices that WhatsApp lets the account write to nobody new until a time, or with active false that this is over.
// kind is WhatsApp's word for the reason. It errs if no device is linked.
func (u *User) Timelock(active bool, until time.Time, kind string) error {
	devices, err := u.companions()
	if err != nil {
		return err
	}
	lock := map[string]any{"is_active": active, "time_enforcement_ends": strconv.FormatInt(until.Unix(), 10), "enforcement_type": kind}
	content, err := json.Marshal(map[string]any{"data": map[string]any{"xwa2_notify_account_reachout_timelock": lock}})
	if err != nil {
		return fmt.Errorf("marshal timelock: %w", err)
	}
	for _, device := range devices {
		u.server.deliver(device, waBinary.Node{
			Tag: "notification", Attrs: waBinary.Attrs{"from": types.ServerJID, "id": u.server.newID(), "t": time.Now().Unix(), "type": "mex"},
			Content: []waBinary.Node{{
				Tag: "update", Attrs: waBinary.Attrs{"op_name": "NotificationUserReachoutTimelockUpdate"}, Content: content,
			}},
		})
	}
	return nil
}
