#!/usr/bin/env bash
# Runs a command with everything that the tests need: installs the missing Debian packages, starts a PostgreSQL on
# loopback, names it in TEST_DATABASE_URL, and stops it when the command has ended, however it ended.
#
#   scripts/services.sh go test ./...
#
# Works as root and as a user with sudo. Tests start their redis-servers themselves, one each.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)

# Go needs a place for its caches, which it derives from HOME.
if [ -z "${HOME:-}" ] && [ -z "${GOCACHE:-}" ]; then
  export HOME="$root/.bin/home"
  mkdir -p "$HOME"
fi

has_postgres() { [ -n "${TEST_DATABASE_URL:-}" ] || command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_redis() { command -v redis-server >/dev/null; }
has_compiler() { command -v "${CC:-gcc}" >/dev/null || command -v clang >/dev/null; } # the race detector needs one

missing=()
has_postgres || missing+=(postgresql)
has_redis || missing+=(redis-server)
has_compiler || missing+=(gcc libc6-dev)

if [ "${#missing[@]}" -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  if ! command -v apt-get >/dev/null || { [ "${#as_root[@]}" -gt 0 ] && ! command -v sudo >/dev/null; }; then
    echo "services: please install ${missing[*]} (Debian's names), then try again" >&2
    exit 1
  fi
  echo "services: installing ${missing[*]} with apt-get" >&2
  apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" </dev/null >&2; }
  apt update
  apt install -y --no-install-recommends "${missing[@]}"
fi

mkdir -p "$root/.bin"
(cd "$root" && go build -o .bin/services ./internal/testenv/services)
exec "$root/.bin/services" "$@"
