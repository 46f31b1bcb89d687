#!/usr/bin/env bash
# Installs Debian packages with apt-get, as root or with sudo, and says so.
#
#   scripts/install.sh postgresql redis-server
set -euo pipefail

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
if ! command -v apt-get >/dev/null || { [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; }; then
  echo "install: please install $* (Debian's names), then try again" >&2
  exit 1
fi
echo "install: installing $* with apt-get" >&2
apt() { ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" </dev/null >&2; }
apt update
apt install -y --no-install-recommends "$@"
