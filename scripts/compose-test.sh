#!/usr/bin/env bash
# Runs compose.yaml with its demo profile for real: the image's health, rows in Postgres, the
# account, the read-only root, and the end on SIGTERM. Without a Docker engine it says that it was
# skipped.
#   scripts/compose-test.sh BINARIES    images made around the programs in this directory
#   scripts/compose-test.sh             the images extractor and jira-sim, as they are
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "compose-test: $*" >&2; }
fail() { say "$@"; compose logs --tail 40 >&2; exit 1; }

if ! docker version >/dev/null 2>&1; then
    say "skipped: no Docker engine answers"
    exit 0
fi
if docker compose version >/dev/null 2>&1; then
    compose_program=(docker compose)
elif command -v docker-compose >/dev/null; then
    compose_program=(docker-compose)
else
    say "skipped: neither docker compose nor docker-compose is here"
    exit 0
fi

tag=latest
if [ -n "${1:-}" ]; then
    tag=test
    TAG=$tag scripts/images.sh --binaries "$1" >&2
fi
local_postgres=extractor-base/postgres:15
if [ -z "${POSTGRES_IMAGE:-}" ] && docker image inspect "$local_postgres" >/dev/null 2>&1; then
    POSTGRES_IMAGE=$local_postgres
fi
issues=300
SECRETS=$(mktemp -d "${TMPDIR:-/tmp}/extractor-compose.XXXXXX")
export POSTGRES_IMAGE=${POSTGRES_IMAGE:-postgres:17-bookworm} SECRETS HTTP_PORT=0 DEMO_ISSUES=$issues
export EXTRACTOR_IMAGE=extractor:$tag SIMULATOR_IMAGE=jira-sim:$tag COMPOSE_PROJECT_NAME=extractor-test-$$
compose() { "${compose_program[@]}" --env-file deploy/compose/demo.env --profile demo "$@"; }
finish() {
    compose down --volumes --timeout 10 >/dev/null 2>&1 || true
    rm -rf "$SECRETS"
}
trap finish EXIT
deploy/compose/make-secrets.sh "$SECRETS"

sql() {
    compose exec -T postgres env PGPASSWORD="$(cat "$SECRETS/postgres_password")" \
        psql -X -h 127.0.0.1 -U extractor -d extractor "$@"
}
# $1: seconds at most, the rest: a command that succeeds when what is waited for has come.
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 1
    done
}
health() { docker inspect --format '{{.State.Health.Status}}' "$container"; }
is_healthy() { [ "$(health)" = healthy ]; }
is_stored() { [ "$(sql -At -c 'SELECT count(*) FROM jira.issues' 2>/dev/null)" -ge $issues ]; }

compose up --detach --no-build >&2
container=$(compose ps -q extractor)
await 180 is_healthy || fail "the service is $(health)"
say "the service is healthy"
await 180 is_stored || fail "the issues do not arrive"
sql -c 'SELECT project_key, count(*), max(updated) FROM jira.issues GROUP BY 1' \
    -c 'SELECT project_key, kind, state FROM extractor.runs ORDER BY started_at DESC LIMIT 3'

[ "$(docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}' "$container")" = \
    "10001:10001 true" ] || fail "it is not run as 10001 on a read-only root"
docker history --no-trunc --format '{{.CreatedBy}}' "$EXTRACTOR_IMAGE" |
    grep -Eiq 'token=|password=' && fail "the image's layers mention a secret"
address=$(docker port "$container" 8080 | head -1)
code() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
[ "$(code "http://$address/healthz")" = 200 ] || fail "/healthz does not answer"
[ "$(code "http://$address/metrics")" = 401 ] || fail "/metrics answers without the token"
[ "$(code -H "Authorization: Bearer $(cat "$SECRETS/http_token")" "http://$address/metrics")" = 200 ] ||
    fail "/metrics does not answer with the token"

docker stop --time 60 "$container" >/dev/null
code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
[ "$code" = 0 ] || fail "SIGTERM ended it with $code"
say "stopped with exit code 0"
