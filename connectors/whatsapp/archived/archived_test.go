package archived_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mau.fi/libsignal/keys/chain"
	"go.mau.fi/libsignal/state/record"
	"go.mau.fi/whatsmeow/store"

	"github.com/switchhook/switchhook/connectors/whatsapp/archived"
)

// state is a session by its name, turned so many times.
func state(name string, turns uint32) *record.StateStructure {
	return &record.StateStructure{
		SenderBaseKey: []byte(name), RootKey: []byte(name), LocalIdentityPublic: []byte("l"), RemoteIdentityPublic: []byte("r"), SessionVersion: 3,
		SenderChain: &record.ChainStructure{
			SenderRatchetKeyPublic: []byte("p"), SenderRatchetKeyPrivate: []byte("s"), ChainKey: &chain.KeyStructure{Key: []byte("k"), Index: turns},
		},
	}
}

func row(current *record.StateStructure, previous ...*record.StateStructure) []byte {
	return store.SignalProtobufSerializer.Session.Serialize(&record.SessionStructure{SessionState: current, PreviousStates: previous})
}

// names tells which sessions a record has and how often each was turned, the present one first.
func names(t *testing.T, raw []byte) map[string]uint32 {
	t.Helper()
	read, err := store.SignalProtobufSerializer.Session.Deserialize(raw)
	require.NoError(t, err)
	all := map[string]uint32{"present " + string(read.SessionState.SenderBaseKey): read.SessionState.SenderChain.ChainKey.Index}
	for _, s := range read.PreviousStates {
		all[string(s.SenderBaseKey)] = s.SenderChain.ChainKey.Index
	}
	require.Len(t, all, 1+len(read.PreviousStates), "each session is there once")
	return all
}

func TestASessionThatDidNotFitIsAsItWas(t *testing.T) {
	t.Parallel()
	before := row(state("a", 5), state("b", 7), state("c", 2))
	after := row(state("c", 3), state("a", 99), state("b", 99), state("c", 2)) // c fitted; a and b were tried first and turned
	require.Equal(t, map[string]uint32{"present c": 3, "a": 5, "b": 7}, names(t, archived.Mend(before, after)))
}

func TestASessionThatFitsAtOnceAndANewOneKeepTheOthers(t *testing.T) {
	t.Parallel()
	before := row(state("a", 5), state("b", 7))
	require.Equal(t, map[string]uint32{"present a": 6, "b": 7}, names(t, archived.Mend(before, row(state("a", 6), state("b", 7)))))
	require.Equal(t, map[string]uint32{"present n": 0, "a": 5, "b": 7}, names(t, archived.Mend(before, row(state("n", 0), state("a", 5), state("b", 7)))))
}

func TestWhatCannotBeReadIsLeftAlone(t *testing.T) {
	t.Parallel()
	after := row(state("a", 1))
	require.Equal(t, after, archived.Mend(nil, after))
	require.Equal(t, after, archived.Mend([]byte("\xff\xff"), after))
	require.Equal(t, []byte("\xff\xff"), archived.Mend(after, []byte("\xff\xff")))
}

func FuzzMend(f *testing.F) {
	f.Add(row(state("a", 5), state("b", 7)), row(state("b", 8), state("a", 9)))
	f.Add([]byte{}, []byte("\xff"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		mended := archived.Mend(before, after)
		require.Equal(t, mended, archived.Mend(before, mended), "once is enough")
	})
}
