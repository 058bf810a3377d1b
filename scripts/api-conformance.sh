#!/bin/sh
# Drives the run API of a real service from its OpenAPI document, by a tool that was not written here
# (schemathesis): no answer may be a server's failure, or one that the document does not name. Needs
# python3 with venv, PyPI, and Postgres's server programs. EXTRACTOR and JIRA_SIM name built programs;
# without them, cargo builds them. EXAMPLES sets how many requests are tried of each operation.
set -eu

cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/api-conformance"

if [ -z "${EXTRACTOR:-}" ] || [ -z "${JIRA_SIM:-}" ]; then
    cargo build --workspace --bins
    EXTRACTOR="$target/debug/extractor"
    JIRA_SIM="$target/debug/jira-sim"
fi

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5

exec "$venv/bin/python" scripts/api_conformance.py "$EXTRACTOR" "$JIRA_SIM" "${EXAMPLES:-50}"
