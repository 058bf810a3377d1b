#!/usr/bin/env bash
# Checks the SQL in the source against the schema: a throwaway Postgres, every migration, and
# `cargo sqlx prepare`, which asks that Postgres about every query.
#   scripts/sqlx.sh prepare   writes what it learned to .sqlx (commit it)
#   scripts/sqlx.sh check     fails if .sqlx is not what prepare would write
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

case "${1:-}" in
    prepare) flags=() ;;
    check) flags=(--check) ;;
    *) echo "usage: scripts/sqlx.sh prepare|check" >&2; exit 64 ;;
esac

PATH="$root/target/tools/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
if ! command -v cargo-sqlx >/dev/null; then
    echo "sqlx: cargo-sqlx is missing: run \`.ci/run tools\`" >&2
    exit 1
fi
bin=$("$root/scripts/postgres_bin.sh") || { echo "sqlx: run scripts/setup.sh first" >&2; exit 1; }

# Postgres does not run as root. Below, its files belong to whoever runs it.
as_owner=()
dir=$(mktemp -d "${TMPDIR:-/tmp}/extractor-sqlx.XXXXXX")
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$dir"
    as_owner=(runuser -u postgres --)
fi
server() { (cd "$dir" && "${as_owner[@]}" "$@"); }
stop() {
    server "$bin/pg_ctl" stop -s -m immediate -D "$dir/data" 2>/dev/null || true
    rm -rf "$dir"
}
trap stop EXIT

server "$bin/initdb" -U postgres -A trust -E UTF8 --locale=C --no-sync -D "$dir/data" >/dev/null
server "$bin/pg_ctl" start -s -w -D "$dir/data" -l "$dir/log" \
    -o "-c listen_addresses= -c fsync=off -k $dir" || { cat "$dir/log" >&2; exit 1; }

sql() { "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -U postgres "$@"; }
# What the migrator makes before the first migration. Not by `extractor migrate`, because extractor
# does not compile while .sqlx is out of date.
sql -d postgres -c 'CREATE DATABASE extractor'
sql -d extractor -c 'CREATE SCHEMA extractor' -c 'CREATE TABLE extractor.schema_migrations (
    version bigint PRIMARY KEY, description text NOT NULL,
    installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL,
    checksum bytea NOT NULL, execution_time bigint NOT NULL)'
for migration in migrations/*.sql; do
    sql -d extractor --single-transaction -f "$migration"
done

unset SQLX_OFFLINE
DATABASE_URL="postgres://postgres@localhost/extractor?host=$dir" \
    cargo sqlx prepare "${flags[@]}" -- --all-targets
