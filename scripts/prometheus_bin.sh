#!/usr/bin/env bash
# Prints the directory with the programs prometheus and promtool, for the tests; fails where there
# are none. With --fetch, Debian's package is unpacked below target/tools where none is installed:
# nothing is installed or started by that, and no root is needed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unpacked=$PWD/target/tools/prometheus

find_programs() {
    for dir in "${EXTRACTOR_PROMETHEUS_BIN:-}" "$unpacked/usr/bin" /usr/bin /usr/local/bin; do
        if [ -x "$dir/prometheus" ] && [ -x "$dir/promtool" ]; then
            echo "$dir"
            return
        fi
    done
    return 1
}

fetch() (
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    dir=$(mktemp -d "${TMPDIR:-/tmp}/extractor-prometheus.XXXXXX")
    trap 'rm -rf "$dir"' EXIT
    cd "$dir"
    if ! apt-get download -q prometheus >&2 && [ "$(id -u)" -eq 0 ]; then
        # A machine that has never asked what packages there are.
        apt-get update -q >&2
        apt-get download -q prometheus >&2
    fi
    dpkg -x prometheus_*.deb unpacked || return 1
    mkdir -p "$(dirname "$unpacked")"
    rm -rf "$unpacked"
    mv unpacked "$unpacked"
)

find_programs && exit
if [ "${1:-}" = --fetch ] && fetch; then
    find_programs && exit
fi
exit 1
