#!/bin/sh
# The start of the Postgres image that scripts/base-images.sh makes. It reads those variables of the
# official image that compose.yaml and the tests use: POSTGRES_USER, POSTGRES_DB, and POSTGRES_PASSWORD
# or POSTGRES_PASSWORD_FILE.
set -eu

if [ "${1:-postgres}" != postgres ]; then
    exec "$@"
fi
user=${POSTGRES_USER:-postgres}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    umask 077
    password=$(mktemp)
    if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
        cat "$POSTGRES_PASSWORD_FILE" >"$password"
    elif [ -n "${POSTGRES_PASSWORD:-}" ]; then
        printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
    else
        echo "set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE" >&2
        exit 1
    fi
    initdb -D "$PGDATA" -U "$user" --pwfile="$password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8
    rm "$password"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    if [ "${POSTGRES_DB:-$user}" != postgres ]; then
        echo "CREATE DATABASE \"${POSTGRES_DB:-$user}\"" | postgres --single -j -D "$PGDATA" postgres
    fi
fi
unset POSTGRES_PASSWORD
shift
exec postgres -D "$PGDATA" -c 'listen_addresses=*' -k /tmp "$@"
