#!/usr/bin/env bash
# Prints the directory of the newest PostgreSQL server programs (initdb, postgres) that extractor
# can use; fails without a word where there are none. Looks where extractor itself looks.
set -euo pipefail

oldest_major=14

candidates() {
    if [ -n "${EXTRACTOR_POSTGRES_BIN:-}" ]; then
        echo "$EXTRACTOR_POSTGRES_BIN"
        return
    fi
    for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
        [ -d "$dir" ] && echo "$dir"
    done | sort --version-sort --reverse
    if command -v postgres >/dev/null; then
        dirname "$(readlink -f "$(command -v postgres)")"
    fi
}

while read -r dir; do
    if [ ! -x "$dir/initdb" ] || [ ! -x "$dir/postgres" ]; then
        continue
    fi
    version=$("$dir/postgres" --version) || continue
    major=$(sed -E 's/.*\(PostgreSQL\) ([0-9]+).*/\1/' <<<"$version")
    if [[ $major =~ ^[0-9]+$ ]] && [ "$major" -ge "$oldest_major" ]; then
        echo "$dir"
        exit 0
    fi
done < <(candidates)
exit 1
