# Shortcuts. Every recipe is a plain command, so `just` itself is optional.

# Lists the recipes.
default:
    @just --list

# Everything that must hold before a change is merged.
ci:
    .ci/run

# Installs what this machine lacks.
setup:
    .ci/run setup

# Checks the formatting.
fmt:
    .ci/run format

# Runs clippy, warnings denied.
lint:
    .ci/run lint

# Builds the documentation, warnings denied.
docs:
    .ci/run docs

# Installs the checkers of SQL and licences under target/tools.
tools:
    .ci/run tools

# Checks the SQL in the source against the migrations.
sqlx-check: tools
    .ci/run sqlx

# Renews .sqlx after a query or a migration has changed.
sqlx-prepare: tools
    scripts/sqlx.sh prepare

# Renews docs/schema.md after a migration.
schema-docs:
    scripts/schema-docs.sh

# Checks licences, sources and banned crates.
deny: tools
    .ci/run deny

# Runs the tests; arguments go to `cargo test`.
test *args:
    scripts/test.sh {{args}}

# Shows extractor at work, with nothing configured.
demo *args:
    scripts/demo.sh {{args}}

# Measures a backfill next to two limits, in one run; arguments go to the benchmark.
bench *args:
    SQLX_OFFLINE=true cargo bench --bench backfill -- {{args}}

# Drives the run API from its description (needs Python and PyPI).
api-conformance:
    scripts/api-conformance.sh

# Scans the simulated Jira with clients that others wrote (needs Python and PyPI).
foreign-clients:
    scripts/foreign-clients.sh
