#!/usr/bin/env bash
# Runs the package in a real n8n beside a real server: install from the tarball, credential, publish, message, answer, restart,
# unpublish. n8n and the Node that it needs are installed once into .bin/n8n (about 3 GB, 5 to 10 minutes; it is a test tool and no
# part of the product). Everything listens on loopback only.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
home=${N8N_REAL_DIR:-$root/.bin/n8n}
n8n=2.38.5
node=24.21.0
until=2026-09-28 # versions of dependencies up to this day; newer ones may not be in every registry yet
export npm_config_update_notifier=false npm_config_fund=false npm_config_audit=false

if [[ $(cat "$home/.stamp" 2>/dev/null || true) != "$n8n $node" ]]; then
	echo "real n8n: installing n8n $n8n and Node $node into $home"
	mkdir -p "$home/node24" "$home/app"
	(cd "$home/node24" && { [[ -f package.json ]] || npm init -y >/dev/null; } && npm install "node@$node")
	export PATH="$home/node24/node_modules/node/bin:$PATH"
	cd "$home/app"
	[[ -f package.json ]] || npm init -y >/dev/null
	# Nothing but sqlite3 has to be compiled; another dependency's script would fetch from elsewhere.
	npm install "n8n@$n8n" --before="$until" --ignore-scripts
	npm rebuild sqlite3 --build-from-source --foreground-scripts
	echo "$n8n $node" >"$home/.stamp"
	cd - >/dev/null
fi
./test.sh --build-only
echo "real n8n: building the server"
(cd "$root" && go build -o .bin/switchhook-it . && go build -o .bin/wasim-it ./connectors/whatsapp/watest/wasim)

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
npm pack --silent --pack-destination "$data" >/dev/null
mkdir -p "$data/.n8n/nodes/node_modules/n8n-nodes-switchhook"
tar -xzf "$data"/n8n-nodes-switchhook-*.tgz -C "$data/.n8n/nodes/node_modules/n8n-nodes-switchhook" --strip-components=1
node tests/real.mjs "$home" "$data"
