#!/usr/bin/env bash
# Builds extractor and shows it at work: a simulated Jira, a private Postgres, a backfill.
# Arguments go to `extractor demo`, for example --issues 20000.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
# The queries were checked against the schema beforehand; the results lie in .sqlx.
export SQLX_OFFLINE=true
exec cargo run --release --locked --bin extractor -- demo "$@"
