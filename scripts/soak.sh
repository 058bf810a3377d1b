#!/usr/bin/env bash
# Ten minutes of three service processes under edits, faults of Jira, kills and Postgres restarts.
#   SOAK_SECONDS=3600 SOAK_SEED=7 scripts/soak.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export SOAK_SECONDS=${SOAK_SECONDS:-600} SOAK_SEED=${SOAK_SEED:-1}
exec scripts/test.sh --package extractor --test it -- --nocapture service::soak::a_soak
