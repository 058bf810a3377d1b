#!/usr/bin/env bash
# Runs every test. Each test process that needs a Postgres starts a throwaway one of its own.
# Arguments go to `cargo test`, for example --lib seek.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
scripts/prometheus_bin.sh --fetch >/dev/null ||
    echo "test: no Prometheus can be had: what needs one is skipped" >&2
scripts/browser.sh || echo "test: no Chromium can be had: what needs one is skipped" >&2
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
# The queries were checked against the schema beforehand; the results lie in .sqlx.
export SQLX_OFFLINE=true
exec cargo test --workspace --locked "$@"
