#!/usr/bin/env bash
# Tests the Zapier app: the definition as Zapier's schema and checks want it, every step against a server that fails in all ways, and a
# play against the real server. Needs Go, Node 20 and npm; it builds and installs the rest.
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

echo "zapier: npm ci"
npm ci --no-audit --no-fund --loglevel=error

echo "zapier: lint and types"
npm run --silent lint
npm run --silent types

echo "zapier: definition, samples and steps"
npm run --silent unit

echo "zapier: building the server"
(cd "$root" && go build -o "$bin/switchhook-zapier" . && go build -o "$bin/wasim-zapier" ./connectors/whatsapp/watest/wasim)

echo "zapier: the play against the real server"
SWITCHHOOK="$bin/switchhook-zapier" WASIM="$bin/wasim-zapier" npm run --silent play
echo "zapier: ok"
