#!/usr/bin/env bash
# Runs the tests of the packages for the no-code tools, one after the other: integrations/<tool>/test.sh. Needs Go, Node 20.19 and npm; a
# Node that is missing or older is installed, from Debian's packages and then from npm, into .bin.
#
#   integrations/test.sh            all
#   integrations/test.sh zapier     one
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd .. && pwd)
exec </dev/null

if [ -z "${HOME:-}" ]; then
  export HOME="$root/.bin/home"
  mkdir -p "$HOME"
fi

command -v npm >/dev/null || "$root/scripts/install.sh" nodejs npm
if ! node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'; then
  echo "integrations: installing Node 24 from npm into .bin/node24" >&2
  mkdir -p "$root/.bin/node24"
  (cd "$root/.bin/node24" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error node@24)
  export PATH="$root/.bin/node24/node_modules/node/bin:$PATH"
fi

tools=("$@")
[ "${#tools[@]}" -gt 0 ] || tools=(openapi n8n zapier make recipes)
for tool in "${tools[@]}"; do
  echo "=== integrations/$tool"
  "./$tool/test.sh"
done
echo "integrations: all passed"
