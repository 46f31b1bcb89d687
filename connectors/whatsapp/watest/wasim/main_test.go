package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/switchhook/switchhook/connectors/whatsapp/watest"
)

func TestMain(m *testing.M) {
	watest.Prepare(watest.SharedRoot())
	os.Exit(m.Run())
}

func TestItSaysWhereItRunsAndStopsWhenTold(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, watest.SharedRoot(), nil, writer, io.Discard) }()

	var line ready
	require.NoError(t, json.NewDecoder(reader).Decode(&line))

	key, err := hex.DecodeString(line.RootKey)
	require.NoError(t, err)
	require.Len(t, key, 32)
	response, err := http.Get("http://" + line.Control + "/connections")
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.JSONEq(t, "[]", string(body))
	response, err = http.Get("http://" + line.Address + "/anything")
	require.NoError(t, err)
	response.Body.Close()
	require.Equal(t, http.StatusNotFound, response.StatusCode)
	stop()
	require.NoError(t, <-ended)
}

func TestItRefusesAddressesOfOthers(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-listen", "0.0.0.0:0"}, {"-control", "0.0.0.0:0"}, {"-nothing"}} {
		require.Error(t, run(t.Context(), watest.SharedRoot(), args, io.Discard, io.Discard), args)
	}
}
