#!/bin/sh
# Checks the simulated Jira with clients that were not written here: each of them scans a generated
# project, and must return exactly what the world holds. Needs python3 with venv, and PyPI.
# JIRA_SIM names a built simulator; without it, cargo builds one. ISSUES sets the project's size.
set -eu

cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
venv="$target/foreign-clients"

if [ -z "${JIRA_SIM:-}" ]; then
    cargo build --package jira-sim
    JIRA_SIM="$target/debug/jira-sim"
fi

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check \
    jira-resilient==0.8.0 jira==3.10.5 atlassian-python-api==5.0.5

exec "$venv/bin/python" scripts/foreign_clients.py "$JIRA_SIM" "${ISSUES:-3000}"
