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
has_compiler() { command -v "${CC:-gcc}" >/dev/null; } # the race detector needs one

# The README's commands, and the contracts' own verifiers, which are JavaScript and Python.
has_all() { for tool in "$@"; do command -v "$tool" >/dev/null || return 1; done; }

missing=()
has_postgres || missing+=(postgresql)
has_redis || missing+=(redis-server)
has_compiler || missing+=(gcc libc6-dev)
has_all curl openssl jq || missing+=(curl openssl jq ca-certificates)
has_all node || missing+=(nodejs)
has_all python3 || missing+=(python3)

# A real WordPress, see scripts/wordpress.sh.
has_php() { [[ $'\n'"$(php -m 2>/dev/null)"$'\n' == *$'\n'"$1"$'\n'* ]]; }
[ -e /usr/share/wordpress/wp-load.php ] || missing+=(wordpress)
[ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
has_php Core || missing+=(php-cli)
has_php mysqli || missing+=(php-mysql)
has_php gd || missing+=(php-gd)
has_php xml || missing+=(php-xml)

[ "${#missing[@]}" -eq 0 ] || "$root/scripts/install.sh" "${missing[@]}"

mkdir -p "$root/.bin"
(cd "$root" && go build -buildvcs=false -o .bin/services ./internal/testenv/services)
exec "$root/.bin/services" "$@"
