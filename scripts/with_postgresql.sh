#!/bin/sh
# Usage: with_postgresql.sh COMMAND... Runs COMMAND with DATABASE_URL naming a throw-away PostgreSQL
# server on a Unix socket; without PostgreSQL's programs it says so and succeeds.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | tail -n 1 || true)
if [ -z "$bin" ]; then
    echo "PostgreSQL is not installed: its tests are left out (on Debian: apt install postgresql)."
    exit 0
fi
dir=$(mktemp -d)
as_owner=""
if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
    chown postgres "$dir"
    as_owner="runuser -u postgres --"
fi
cleanup() {
    $as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap cleanup EXIT INT TERM
(
    cd "$dir"
    $as_owner "$bin/initdb" -D "$dir/data" -U blog -A trust -E UTF8 >/dev/null
    $as_owner "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
        -o "-c listen_addresses='' -c unix_socket_directories='$dir' -c fsync=off" start >/dev/null
)
echo "Running on $("$bin/postgres" --version)"
encoded=$(printf '%s' "$dir" | sed 's,/,%2F,g')
DATABASE_URL="postgres://blog@$encoded/postgres" "$@"
