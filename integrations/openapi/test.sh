#!/usr/bin/env bash
# Checks openapi.yaml and what others make of it: the linters, the derived documents, a generated client, Postman's import and the
# trigger of Power Automate, the latter three against the real server. Everything stays on this machine but the installation.
set -euo pipefail
cd "$(dirname "$0")"
say() { printf '\n== %s\n' "$*"; }
export SWITCHHOOK="$PWD/../../.bin/switchhook-openapi" NO_UPDATE_NOTIFIER=1 REDOCLY_SUPPRESS_UPDATE_NOTICE=true
documents=(../../openapi.yaml dist/openapi-3.1.yaml dist/power-automate.swagger.json)

say "install what package-lock.json names"
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --no-progress
  cp package-lock.json node_modules/.installed
fi

say "the derived documents are those of openapi.yaml"
go test .

say "Spectral: its whole ruleset and ours"
node_modules/.bin/spectral lint "${documents[@]}" --ruleset spectral.yaml --fail-severity hint

say "Redocly: its recommended rules and more"
node_modules/.bin/redocly lint "${documents[@]}" --config redocly.yaml --max-problems 50

say "a client by openapi-typescript"
rm -rf .work
mkdir -p .work/built/tests
node_modules/.bin/openapi-typescript ../../openapi.yaml --output .work/schema.ts
node_modules/.bin/tsc --project .
cp tests/server.mjs .work/built/tests/

say "the real server, with that client, Postman's import and Power Automate's trigger"
go build -o "$SWITCHHOOK" ../..
node --test .work/built/tests/client.test.js tests/*.test.mjs
