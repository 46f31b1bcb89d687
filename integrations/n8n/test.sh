#!/usr/bin/env bash
# Lints, builds and tests the n8n package: descriptions, signatures, and its nodes against the real server. On loopback only.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
export CI=1 N8N_DIAGNOSTICS_ENABLED=false npm_config_update_notifier=false

# quiet runs a command and shows what it said only if it fails.
quiet() {
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1; then
		tail -n 60 "$log"
		rm -f "$log"
		echo "failed: $*"
		return 1
	fi
	rm -f "$log"
}

stamp=$(sha256sum package-lock.json | cut -d' ' -f1)
if [[ $(cat node_modules/.stamp 2>/dev/null || true) != "$stamp" ]]; then
	echo "n8n: installing the tools of the package"
	quiet npm ci
	echo "$stamp" >node_modules/.stamp
fi
echo "n8n: lint"
quiet npx n8n-node lint
echo "n8n: build"
rm -rf dist
quiet npx n8n-node build
[[ ${1:-} == --build-only ]] && exit 0

echo "n8n: building the server"
mkdir -p "$root/.bin"
(cd "$root" && go build -o .bin/switchhook-it . && go build -o .bin/wasim-it ./connectors/whatsapp/watest/wasim)
echo "n8n: tests"
node --test --test-timeout=180000 --test-reporter=spec tests/*.test.mjs
