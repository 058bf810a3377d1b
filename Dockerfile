# Images of extractor.
#   docker build -t extractor .                                 the service; needs a Postgres elsewhere
#   docker build -t extractor:postgres --target with-postgres .  can also run a private Postgres
#   docker build -t jira-sim --target simulator .                the simulated Jira, for trying it out
# Where no image can be pulled, scripts/base-images.sh makes the two base images; it prints their
# names, to be given with --build-arg.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# The dependencies alone, built around empty sources: this layer is made anew only when a manifest
# or the lock changes.
FROM ${BUILD_IMAGE} AS dependencies
WORKDIR /src
ENV SQLX_OFFLINE=true CARGO_INCREMENTAL=0 CARGO_PROFILE_RELEASE_STRIP=debuginfo
COPY Cargo.toml Cargo.lock ./
COPY crates/jira-sim/Cargo.toml crates/jira-sim/
RUN mkdir -p src crates/jira-sim/src tests/it benches/backfill \
    && echo 'fn main() {}' | tee src/main.rs crates/jira-sim/src/main.rs benches/backfill/main.rs \
    && touch src/lib.rs crates/jira-sim/src/lib.rs tests/it/main.rs \
    && cargo build --release --locked --workspace --bins \
    && cargo clean --release --locked --package extractor --package jira-sim

# The migrations, .sqlx and config/ are compiled in.
FROM dependencies AS build
COPY . .
RUN cargo build --release --locked --workspace --bins

FROM ${RUNTIME_IMAGE} AS base
RUN if [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then \
        apt-get update && apt-get install -y --no-install-recommends ca-certificates; fi \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd --system --gid 10001 extractor \
    && useradd --system --uid 10001 --gid extractor --home-dir /var/lib/extractor --create-home extractor

FROM base AS simulator
COPY --from=build /src/target/release/jira-sim /usr/local/bin/jira-sim
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGINT
ENTRYPOINT ["jira-sim", "--address", "0.0.0.0"]

FROM base AS service
COPY --from=build /src/target/release/extractor /usr/local/bin/extractor
LABEL org.opencontainers.image.title="extractor" \
    org.opencontainers.image.description="Keeps a Postgres database equal to what Jira holds, and proves it" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
USER 10001:10001
WORKDIR /var/lib/extractor
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["extractor", "healthcheck"]
ENTRYPOINT ["extractor"]
CMD ["run"]

# A private Postgres keeps its files in the volume.
FROM service AS with-postgres
USER root
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/none.conf \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
LABEL org.opencontainers.image.title="extractor, with Postgres"
USER 10001:10001
ENV EXTRACTOR_DATABASE__DATA_DIR=/var/lib/extractor/postgres
VOLUME /var/lib/extractor

# What is built where no target is named.
FROM service
