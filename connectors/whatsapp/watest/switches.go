package watest

// Switches make the server and the phones misbehave. A count says how often, and goes down by one each time; below zero it is always.
type Switches struct {
	RefuseLogins   int `json:"refuseLogins"`   // logins that are answered with RefuseWith
	RefusePairings int `json:"refusePairings"` // pairing connections that are answered with RefuseWith
	RefuseWith     End `json:"refuseWith"`

	SilentLogins int `json:"silentLogins"` // logins that are not answered; the line stays open
	SocketStatus int `json:"socketStatus"` // the HTTP status that answers new connections, such as 503; 0: they are taken

	PhoneNumberForm bool `json:"phoneNumberForm"` // contacts are named by phone number; otherwise by LID, as WhatsApp does today
	DemandPasskey   bool `json:"demandPasskey"`   // a scan begins with a passkey
	MutePings       bool `json:"mutePings"`       // pings are not answered
	HideLIDs        bool `json:"hideLIDs"`        // questions for a contact's LID get none

	CorruptNext int `json:"corruptNext"` // messages of phones whose ciphertext is broken, of those in a session that has begun (msg, not pkmsg)

	DropAcks   int `json:"dropAcks"`   // messages of clients that are delivered but not acknowledged
	CutInstead int `json:"cutInstead"` // messages of clients at which the line is cut: nothing is delivered or acknowledged
	AckError   int `json:"ackError"`   // the error that messages of clients are answered with instead of being delivered, such as 463; 0: none
	AckDelay   int `json:"ackDelay"`   // milliseconds before messages of clients are acknowledged

	UploadStatus   int `json:"uploadStatus"`   // what media uploads are answered with; 0: they succeed
	DownloadStatus int `json:"downloadStatus"` // the same for downloads
}

// Switch changes the switches: change is called with those that hold, and with a lock held.
func (s *Server) Switch(change func(*Switches)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.switches)
}

// switched returns the switches that hold.
func (s *Server) switched() Switches {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.switches
}

// use says whether a count applies now, and takes one off it. It needs the server's lock.
func use(count *int) bool {
	if *count > 0 {
		*count--
		return true
	}
	return *count < 0
}

// refuse returns the end that a login or pairing is answered with, if it is to be refused. It needs the server's lock.
func (w *Switches) refuse(count *int) (End, bool) {
	return w.RefuseWith, use(count)
}
