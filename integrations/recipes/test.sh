#!/usr/bin/env bash
# Plays the recipes against the real server: the flow in a real Node-RED, the components of Pipedream in a stand-in for its runtime, and the
# commands of docs/plain-webhooks.md with its programs. On this machine only, but for the installation.
set -euo pipefail
cd "$(dirname "$0")"
export SWITCHHOOK="$PWD/../../.bin/switchhook-recipes" NO_UPDATE_NOTIFIER=1

if ! cmp -s package-lock.json node_modules/.installed; then
  echo "recipes: installing what package-lock.json names"
  npm ci --no-progress
  cp package-lock.json node_modules/.installed
fi
missing=()
for tool in curl jq python3; do command -v "$tool" >/dev/null || missing+=("$tool"); done
[ "${#missing[@]}" -eq 0 ] || ../../scripts/install.sh "${missing[@]}"

echo "recipes: building the server"
(cd ../.. && go build -o "$SWITCHHOOK" .)
echo "recipes: the plays"
node --test --test-reporter=spec tests/*.test.mjs
