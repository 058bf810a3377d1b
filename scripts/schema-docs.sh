#!/usr/bin/env bash
# Renews docs/schema.md from a throwaway database with every migration. A test holds it to that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

UPDATE_SCHEMA_DOCS=1 SQLX_OFFLINE=true \
    cargo test --workspace --locked --test it analysts::documents::schema_md
