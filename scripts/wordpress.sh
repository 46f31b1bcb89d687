#!/usr/bin/env bash
# Runs a real WordPress on loopback for tests: Debian's package on a throw-away MariaDB, served by PHP's own server. Everything lives
# in a temporary folder, which is gone when the script ends; nothing outside of it is touched.
#
#   scripts/wordpress.sh            # until Enter, the end of the standard input, or Ctrl-C
#
# When it is ready it prints lines "name=value": url, user and password (an application password) of an administrator, the same of an
# author and of a contributor, and the folder. As root and as a user with sudo it installs the packages that are missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source_tree=/usr/share/wordpress

missing=()
[ -e "$source_tree/wp-load.php" ] || missing+=(wordpress)
[ -x /usr/sbin/mariadbd ] && command -v mariadb-install-db >/dev/null || missing+=(mariadb-server)
command -v php >/dev/null || missing+=(php-cli)
modules=$(php -m 2>/dev/null || true)
for module in mysqli:php-mysql gd:php-gd xml:php-xml; do
  grep -qx "${module%%:*}" <<<"$modules" || missing+=("${module#*:}")
done
[ "${#missing[@]}" -eq 0 ] || "$here/install.sh" "${missing[@]}"

folder=$(mktemp -d /tmp/switchhook-wordpress-XXXXXXXX)
database='' web=''
set -m # each of our children leads a group of its own, so that PHP's workers end with it
finish() {
  trap - EXIT
  if [ -n "$web" ]; then
    kill -INT -- "-$web" 2>/dev/null || true # PHP's server then waits for its workers
    for _ in $(seq 40); do kill -0 -- "-$web" 2>/dev/null || break; sleep 0.05; done
    kill -KILL -- "-$web" 2>/dev/null || true
  fi
  [ -z "$database" ] || kill -KILL -- "-$database" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

fail() {
  echo "wordpress: $1" >&2
  tail -n 20 "$folder"/*.log >&2 2>/dev/null || true
  exit 1
}

# --- the database: its socket is in the folder, and it does not listen on the network
mkdir "$folder/data" "$folder/site"
mariadb-install-db --no-defaults --datadir="$folder/data" --user="$(id -un)" --auth-root-authentication-method=normal --skip-test-db \
  >"$folder/install.log" 2>&1 || fail "the database could not be made"
/usr/sbin/mariadbd --no-defaults --datadir="$folder/data" --user="$(id -un)" --socket="$folder/db.sock" --skip-networking --skip-grant-tables \
  --pid-file="$folder/db.pid" --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-buffer-pool-size=64M --skip-log-bin \
  </dev/null >"$folder/database.log" 2>&1 &
database=$!

# --- the site: a copy, because Debian's own reads its configuration from /etc
cp -RL "$source_tree/." "$folder/site/" 2>/dev/null || true # a theme's link may lead nowhere
[ -e "$folder/site/wp-load.php" ] || fail "$source_tree could not be copied"
rm -f "$folder/site/.htaccess" "$folder/site/wp-config.php"
mkdir -p "$folder/site/wp-content/themes/plain" "$folder/site/wp-content/uploads"
cp "$here/wordpress/index.php" "$folder/site/wp-content/themes/plain/index.php"
cp "$here/wordpress/functions.php" "$folder/site/wp-content/themes/plain/functions.php"
printf '/*\nTheme Name: Plain\n*/\n' >"$folder/site/wp-content/themes/plain/style.css"
cp "$here/wordpress/wp-config.php" "$folder/site/wp-config.php"

for _ in $(seq 600); do # a minute, which is far more than it needs
  [ -S "$folder/db.sock" ] && break
  kill -0 "$database" 2>/dev/null || fail "the database ended at once"
  sleep 0.1
done
[ -S "$folder/db.sock" ] || fail "the database was not ready in a minute"

# --- PHP's server takes no port 0: try free ones until it holds one
export SWITCHHOOK_WP_SOCKET="$folder/db.sock" PHP_CLI_SERVER_WORKERS=4
limits=(-d upload_max_filesize=2M -d post_max_size=4M -d display_errors=0 -d log_errors=1 -d "error_log=$folder/php.log" -d "upload_tmp_dir=$folder" -d "sys_temp_dir=$folder")
url=''
for _ in $(seq 20); do
  port=$((20000 + RANDOM % 12000))
  export SWITCHHOOK_WP_URL="http://127.0.0.1:$port"
  php "${limits[@]}" -S "127.0.0.1:$port" -t "$folder/site" "$here/wordpress/router.php" </dev/null >"$folder/web.log" 2>&1 &
  web=$!
  for _ in $(seq 100); do
    grep -q started "$folder/web.log" && break
    kill -0 "$web" 2>/dev/null || break
    sleep 0.05
  done
  if kill -0 "$web" 2>/dev/null && grep -q started "$folder/web.log"; then
    url=$SWITCHHOOK_WP_URL
    break
  fi
  kill -KILL -- "-$web" 2>/dev/null || true
  web=''
done
[ -n "$url" ] || fail "PHP's server found no free port"

php "${limits[@]}" "$here/wordpress/install.php" "$folder/site" >"$folder/accounts" 2>"$folder/setup.log" || fail "WordPress could not be installed"
grep -q '^password=' "$folder/accounts" || fail "WordPress could not be installed: $(cat "$folder/accounts")"

echo "url=$url"
cat "$folder/accounts"
echo "folder=$folder"
echo ready

read -r _ || true # Enter, or our starter has gone
