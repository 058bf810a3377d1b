#!/usr/bin/env bash
# Installs what building and running extractor needs and this machine lacks: a C compiler and the
# PostgreSQL server programs. Does nothing, and needs no network, when both are there.
# Knows Debian and its relatives; elsewhere it says what is missing. Meant to be run, not sourced.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() { echo "setup: $*" >&2; }
die() { say "$@"; exit 1; }

has_cargo() { command -v cargo >/dev/null || [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; }

# The compiler alone is not enough: its package does not bring the C library's headers.
has_compiler() {
    command -v cc >/dev/null &&
        echo 'int main(void) { return puts("") < 0; }' |
        cc -x c -include stdio.h -o /dev/null - 2>/dev/null
}

# Postgres does not run as root, so root needs another account to run it as.
has_postgres() {
    "$here/postgres_bin.sh" >/dev/null || return 1
    [ "$(id -u)" -ne 0 ] || id postgres >/dev/null 2>&1 || id extractor >/dev/null 2>&1
}

has_certificates() { [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ]; }

packages=()
has_compiler || packages+=(gcc libc6-dev)
has_postgres || packages+=(postgresql)
has_certificates || packages+=(ca-certificates)

has_cargo || die "cargo is missing: install Rust from https://rustup.rs, then run this again"
if [ ${#packages[@]} -eq 0 ]; then
    exit 0
fi

command -v apt-get >/dev/null ||
    die "please install what Debian calls: ${packages[*]} (PostgreSQL 14 or newer), then run this again"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        die "please run as root: apt-get update && apt-get install ${packages[*]}"
    fi
    as_root=(sudo)
fi

# Debian starts a cluster of its own with every new server package. extractor needs only the
# programs, so that is switched off while they are installed, and left as it was afterwards.
no_cluster=/etc/postgresql-common/createcluster.d/zz-extractor-setup.conf
forget() { "${as_root[@]}" rm -f "$no_cluster"; }

say "installing ${packages[*]}"
trap forget EXIT
"${as_root[@]}" mkdir -p "$(dirname "$no_cluster")"
echo 'create_main_cluster = false' | "${as_root[@]}" tee "$no_cluster" >/dev/null
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${packages[@]}"

has_compiler || die "there is still no working C compiler: check what apt-get said above"
has_postgres || die "there is still no PostgreSQL 14 or newer: this Debian's may be too old"
say "done"
