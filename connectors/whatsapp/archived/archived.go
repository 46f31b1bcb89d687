// Package archived mends encrypted sessions after a message was decrypted.
//
// Two sides that write to each other for the first time at the same moment have two sessions, and a message may come under either. The library
// (libsignal) tries them one after the other, and where one does not fit, it has turned its keys all the same and stores it so: messages that
// come under it later cannot be read any more. Its Java ancestor tries on a copy.
package archived

import (
	"bytes"

	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/whatsmeow/store"
)

// most is how many earlier sessions a record keeps, as the library does.
const most = 40

// Mend returns a session record as it is to be stored after a message was decrypted: after is what the library made of before. The session that
// fitted is after's; all others are as they were before. Records that cannot be read come back as they are.
func Mend(before, after []byte) []byte {
	serializer := store.SignalProtobufSerializer.Session
	if len(before) == 0 {
		return after
	}
	old, err := serializer.Deserialize(before)
	if err != nil {
		return after
	}
	present, err := serializer.Deserialize(after)
	if err != nil || present.SessionState == nil {
		return after
	}
	present.PreviousStates = present.PreviousStates[:0]
	for _, state := range append([]*record.StateStructure{old.SessionState}, old.PreviousStates...) {
		if begun(state) && !bytes.Equal(state.SenderBaseKey, present.SessionState.SenderBaseKey) && len(present.PreviousStates) < most {
			present.PreviousStates = append(present.PreviousStates, state)
		}
	}
	return serializer.Serialize(present)
}

// begun tells whether a state is a session's; that of an empty record is not.
func begun(state *record.StateStructure) bool {
	return state != nil && state.SenderChain != nil && len(state.SenderBaseKey) > 0
}
