#!/usr/bin/env bash
# Tests the Make app: its files against a schema and openapi.yaml, the player that reads them, and a play against the real server.
# Needs Go, Node 20 and npm; it builds and installs the rest.
set -euo pipefail

cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
bin="$root/.bin"
mkdir -p "$bin"

# npm and Go need a place for their caches, which they derive from HOME.
if [ -z "${HOME:-}" ]; then
  export HOME="$bin/home"
  mkdir -p "$HOME"
fi

echo "make: npm ci"
npm ci --no-audit --no-fund --loglevel=error

echo "make: files, contract and player"
npm run --silent unit

echo "make: building the server"
(cd "$root" && go build -o "$bin/switchhook-make" . && go build -o "$bin/wasim-make" ./connectors/whatsapp/watest/wasim)

echo "make: the play against the real server"
SWITCHHOOK="$bin/switchhook-make" WASIM="$bin/wasim-make" npm run --silent play
echo "make: ok"
