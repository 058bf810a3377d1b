#!/bin/sh
# Makes the secrets that compose.yaml mounts, in the directory named (./secrets if none is). What is
# there stays. jira_token gets a placeholder: put your own in its place.
set -eu
dir=${1:-secrets}
mkdir -p "$dir"
chmod 700 "$dir"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
# $1: the file, $2: what it holds if it is not there yet. Containers run under accounts of their own,
# so everybody may read the file; nobody else gets through the directory.
keep() {
    [ -s "$dir/$1" ] || printf '%s\n' "$2" >"$dir/$1"
    chmod 444 "$dir/$1"
}

keep postgres_password "$(random)"
keep database_url "postgres://extractor:$(cat "$dir/postgres_password")@postgres:5432/extractor"
keep http_token "$(random)"
keep jira_token replace-this-with-a-token
