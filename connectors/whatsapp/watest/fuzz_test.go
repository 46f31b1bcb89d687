package watest

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/socket"
)

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0, 1, 'x'})
	f.Add(append(bytes.Clone(socket.WAConnHeader), 0, 0, 2, 'a', 'b', 0, 0, 0))
	f.Add([]byte{255, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		rest, ok, err := cutHeader(data, false)
		if err == nil && ok {
			require.Len(t, rest, len(data)-len(socket.WAConnHeader))
		}
		for ok := true; ok; {
			var body, tail []byte
			body, tail, ok = cutFrame(data)
			if ok {
				require.Len(t, data, socket.FrameLengthSize+len(body)+len(tail))
			}
			data = tail
		}
	})
}

func FuzzQRCodes(f *testing.F) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	f.Add("2@ref," + key + "," + key + "," + key)
	f.Add("https://wa.me/settings/linked_devices#2@ref," + key + "," + key + "," + key + ",1")
	f.Add("#,,,")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := parseQR(text)
		if err != nil {
			return
		}
		require.Contains(t, text, code.ref)
		require.Len(t, code.adv, 32)
	})
}

func FuzzPadding(f *testing.F) {
	f.Add([]byte("text"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, plain []byte) {
		back, err := unpad(pad(plain))
		require.NoError(t, err)
		require.Equal(t, string(plain), string(back))
		if rest, err := unpad(plain); err == nil {
			require.Less(t, len(rest), len(plain))
		}
	})
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{0, 0, 1}, make([]byte, 32), make([]byte, 64))
	f.Add([]byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, id, value, signature []byte) {
		key, ok := readKey(waBinary.Node{Tag: "skey", Content: []waBinary.Node{
			{Tag: "id", Content: id}, {Tag: "value", Content: value}, {Tag: "signature", Content: signature},
		}})
		if ok {
			require.Less(t, key.id, uint32(1<<24))
			require.Equal(t, value, key.value[:])
		}
	})
}

func TestAStrangerOfTheProtocolIsTurnedAway(t *testing.T) {
	t.Parallel()
	_, _, err := cutHeader([]byte("GET / HTTP/1.1"), false)
	require.ErrorIs(t, err, errHeader)
	_, err = unpack(nil)
	require.Error(t, err)
	_, err = unpack([]byte(strings.Repeat("\x00", 3)))
	require.Error(t, err)
}
