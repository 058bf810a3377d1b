#!/usr/bin/env bash
# Installs Chromium and its driver from Debian's packages, for the tests of the status page. Does
# nothing when both are there; ends with an error, and says so, where they cannot be had.
set -euo pipefail

command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "browser: please install what Debian calls chromium and chromium-driver" >&2
    exit 1
fi
apt-get update -q >&2
DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends chromium chromium-driver >&2
