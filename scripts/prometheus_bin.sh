#!/usr/bin/env bash
# Prints the directory with the programs prometheus and promtool; fails without a word where there
# are none. scripts/setup.sh unpacks Debian's below target/tools where none are installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    dirname "$(command -v prometheus)"
    exit 0
fi
for dir in "${EXTRACTOR_PROMETHEUS_BIN:-}" "$PWD/target/tools/prometheus/usr/bin"; do
    if [ -x "$dir/prometheus" ] && [ -x "$dir/promtool" ]; then
        echo "$dir"
        exit 0
    fi
done
exit 1
