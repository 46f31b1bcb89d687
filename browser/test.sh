#!/usr/bin/env bash
# Tests the dashboard in Chromium, against the built server and WhatsApp's test server. Chromium and Node are installed where they are missing. On
# loopback only. The pictures of every screen are left in .bin/screens.
#
#   browser/test.sh                    all
#   browser/test.sh tests/story.test.mjs
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd .. && pwd)
exec </dev/null
export CI=1 npm_config_update_notifier=false

if [ -z "${HOME:-}" ]; then
  export HOME="$root/.bin/home"
  mkdir -p "$HOME"
fi
command -v chromium >/dev/null || "$root/scripts/install.sh" chromium fonts-dejavu-core # it recommends no font by itself
command -v npm >/dev/null || "$root/scripts/install.sh" nodejs npm
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  echo "browser: installing Node 24 from npm into .bin/node24" >&2
  mkdir -p "$root/.bin/node24"
  (cd "$root/.bin/node24" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error node@24)
  export PATH="$root/.bin/node24/node_modules/node/bin:$PATH"
fi

stamp=$(sha256sum package-lock.json | cut -d' ' -f1)
if [ "$(cat node_modules/.stamp 2>/dev/null || true)" != "$stamp" ]; then
  echo "browser: installing playwright-core and axe-core"
  npm ci --loglevel=error
  echo "$stamp" >node_modules/.stamp
fi

echo "browser: building the server"
mkdir -p "$root/.bin"
(cd "$root" && CGO_ENABLED=0 go build -buildvcs=false -o .bin/switchhook-browser . && CGO_ENABLED=0 go build -buildvcs=false -o .bin/wasim-browser ./connectors/whatsapp/watest/wasim)

echo "browser: tests"
tests=("$@")
[ "${#tests[@]}" -gt 0 ] || tests=(tests/*.test.mjs)
node --test --test-timeout=300000 --test-concurrency=1 --test-reporter=spec "${tests[@]}"
