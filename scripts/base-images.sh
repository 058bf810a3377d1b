#!/usr/bin/env bash
# Makes the base images of the Dockerfile and of the tests from Debian packages, for machines whose
# Docker engine can pull nothing. Where images can be pulled, this is not needed.
#   scripts/base-images.sh                  all three
#   scripts/base-images.sh debian postgres  these only; `debian` comes first, the others build on it
# What is there already is left alone; AGAIN=1 makes it anew. Needs root (debootstrap) and Docker.
# The rust image gets a copy of this machine's toolchain, because Debian's is too old. It also gets
# the certificate authorities that were added to this machine, since crates are fetched through
# whatever stands between it and crates.io. Use it to build, and do not publish it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

suite=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
debian=extractor-base/debian:$suite-slim
rust=extractor-base/rust:$suite
postgres=extractor-base/postgres:15

say() { echo "base-images: $*" >&2; }
die() { say "$@"; exit 1; }

docker version >/dev/null 2>&1 || die "no Docker engine answers"
stage=$(mktemp -d "${TMPDIR:-/tmp}/extractor-images.XXXXXX")
trap 'rm -rf "$stage"' EXIT

is_made() { [ -z "${AGAIN:-}" ] && docker image inspect "$1" >/dev/null 2>&1; }

make_debian() {
    [ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
    command -v debootstrap >/dev/null ||
        { apt-get update -q && apt-get install -q -y --no-install-recommends debootstrap; } >&2
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$stage/root" "$mirror" >&2
    if [ "$mirror" = http://deb.debian.org/debian ]; then
        echo "deb http://deb.debian.org/debian-security $suite-security main" \
            >>"$stage/root/etc/apt/sources.list"
    fi
    # As the slim images do: no packages kept, no lists, no manuals.
    tar -C "$stage/root" -c \
        --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/log/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' . |
        docker import -c 'CMD ["bash"]' \
            -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
            - "$debian" >/dev/null
}

make_rust() {
    local sysroot
    sysroot=$(PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin" rustc --print sysroot)
    mkdir -p "$stage/rust/toolchain" "$stage/rust/authorities"
    # The compiler, cargo and the standard library; not the manuals.
    cp -a "$sysroot/bin" "$sysroot/lib" "$stage/rust/toolchain/"
    cp -a /usr/local/share/ca-certificates/. "$stage/rust/authorities/" 2>/dev/null || true
    cat >"$stage/rust/Dockerfile" <<-END
	FROM $debian
	RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev \\
	    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
	COPY authorities/ /usr/local/share/ca-certificates/
	RUN update-ca-certificates
	COPY toolchain/ /usr/local/
	ENV CARGO_HOME=/usr/local/cargo
	END
    docker build -q -t "$rust" "$stage/rust" >/dev/null
}

make_postgres() {
    mkdir -p "$stage/postgres"
    cp "$root/deploy/docker/postgres-entrypoint.sh" "$stage/postgres/"
    cat >"$stage/postgres/Dockerfile" <<-END
	FROM $debian
	RUN mkdir -p /etc/postgresql-common/createcluster.d \\
	    && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/none.conf \\
	    && apt-get update \\
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-15 \\
	    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \\
	    && mkdir -p /var/lib/postgresql/data && chown postgres /var/lib/postgresql/data
	ENV PATH=/usr/lib/postgresql/15/bin:\$PATH PGDATA=/var/lib/postgresql/data
	COPY postgres-entrypoint.sh /usr/local/bin/
	USER postgres
	VOLUME /var/lib/postgresql/data
	EXPOSE 5432
	STOPSIGNAL SIGINT
	ENTRYPOINT ["postgres-entrypoint.sh"]
	CMD ["postgres"]
	END
    docker build -q -t "$postgres" "$stage/postgres" >/dev/null
}

if [ $# -eq 0 ]; then
    set -- debian rust postgres
fi
for name in "$@"; do
    case $name in debian | rust | postgres) ;; *) die "there is no image called $name" ;; esac
    if is_made "${!name}"; then
        say "${!name} is there"
        continue
    fi
    say "making ${!name}"
    "make_$name"
done
cat <<END
BUILD_IMAGE=$rust
RUNTIME_IMAGE=$debian
POSTGRES_IMAGE=$postgres
END
