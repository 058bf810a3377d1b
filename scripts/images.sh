#!/usr/bin/env bash
# Builds the images extractor and jira-sim; with WITH_POSTGRES=1 extractor:postgres too. TAG names
# another tag than `latest`.
#   scripts/images.sh                     everything inside Docker, as the Dockerfile says
#   scripts/images.sh --binaries DIR      the last stages only, around programs built beforehand:
#                                         what a test has time for
# Base images that scripts/base-images.sh has made are used, if they are there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

binaries=
if [ "${1:-}" = --binaries ]; then
    binaries=$(cd "$2" && pwd)
fi
arguments=()
for base in BUILD_IMAGE=extractor-base/rust:bookworm RUNTIME_IMAGE=extractor-base/debian:bookworm-slim; do
    if docker image inspect "${base#*=}" >/dev/null 2>&1; then
        arguments+=(--build-arg "$base")
    fi
done

context=.
if [ -n "$binaries" ]; then
    context=$(mktemp -d "${TMPDIR:-/tmp}/extractor-image.XXXXXX")
    trap 'rm -rf "$context"' EXIT
    for program in extractor jira-sim; do
        strip --strip-debug -o "$context/$program" "$binaries/$program"
    done
    # The stages that run, word for word, without those that build.
    awk '/^FROM/ { skipped = $0 ~ /AS (dependencies|build)$/ }
        /^ARG/ || !skipped { sub(/--from=build \/src\/target\/release\//, ""); print }' \
        Dockerfile >"$context/Dockerfile"
fi
# $1: the stage, $2: the image.
build() { docker build --quiet "${arguments[@]}" --target "$1" --tag "$2" "$context"; }
build simulator "jira-sim:${TAG:-latest}"
build service "extractor:${TAG:-latest}"
if [ -n "${WITH_POSTGRES:-}" ]; then
    build with-postgres "extractor:${TAG:+$TAG-}postgres"
fi
