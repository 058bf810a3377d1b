#!/usr/bin/env bash
# Makes the pictures under docs/screenshots again: a simulated Jira with four projects, half an hour
# of work in a minute and a half, then failures, then a backfill. They look best where the font
# Inter is installed (Debian: fonts-inter).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
scripts/browser.sh
PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"
SQLX_OFFLINE=true cargo test --locked --test it page::screenshots -- --ignored
