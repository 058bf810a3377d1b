"""Scans a simulated Jira with three public clients and compares what they return with its world.

Usage: foreign_clients.py SIMULATOR ISSUES

Starts the simulator on a free port with a generated project and has it dump its world. A client
passes when it returns every issue once, with the same id, key, `updated` and fields.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from atlassian import Jira
from jira import JIRA
from jira_resilient import JiraClient

PROJECT = "GEN"
TOKEN = "a-token-for-this-test"
PAGE = 100


def main() -> int:
    simulator, issues = sys.argv[1], sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "world.jsonl"
        command = [simulator, "--port", "0", "--projects", PROJECT, "--issues", issues, "--seed", "7"]
        command += ["--token", TOKEN, "--dump", str(dump)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = process.stdout.readline().strip()
            world = {row["id"]: row for row in map(json.loads, dump.open(encoding="utf-8"))}
            print(f"{url} serves {len(world)} issues")
            return 1 if any([check(name, scan, url, world) for name, scan in SCANS]) else 0
        finally:
            process.terminate()
            process.wait()


def check(name, scan, url, world) -> bool:
    """Runs a scan and prints how it differs; true if it does."""
    began = time.monotonic()
    wanted, rows = scan(url, world)
    took = time.monotonic() - began
    problems = []
    ids = [row["id"] for row in rows]
    if len(ids) != len(set(ids)):
        problems.append(f"{len(ids) - len(set(ids))} rows came twice")
    found = {row["id"]: row for row in rows}
    if missing := wanted - found.keys():
        problems.append(f"{len(missing)} missing, such as {sorted(missing)[:3]}")
    if surplus := found.keys() - wanted:
        problems.append(f"{len(surplus)} too many, such as {sorted(surplus)[:3]}")
    differing = [key for id_ in wanted & found.keys() if (key := differs(found[id_], world[id_]))]
    if differing:
        problems.append(f"{len(differing)} differ, such as {differing[:3]}")
    verdict = "; ".join(problems) or "equal"
    print(f"{name}: {len(rows)} rows of {len(wanted)} in {took:.1f} s: {verdict}")
    return bool(problems)


def differs(row, wanted) -> str | None:
    """The key of a row that is not what the world holds."""
    same = row["key"] == wanted["key"] and row["fields"].get("updated") == wanted["updated"]
    # A client may ask for some fields only; what it returns must be right.
    same = same and all(row["fields"][name] == wanted["fields"].get(name) for name in row["fields"])
    if "whole" in row:
        same = same and row["fields"].keys() == wanted["fields"].keys()
    if "changelog" in row:
        same = same and len(row["changelog"]["histories"]) == wanted["histories"]
    return None if same else row["key"]


def resilient_full(url, world):
    """jira-resilient, a full scan: pages by `id >`."""
    client = JiraClient(url, TOKEN)
    pages = client.search_seek(PROJECT, page_size=PAGE)
    return set(world), [row | {"whole": True} for page in pages for row in page.issues]


def resilient_delta(url, world):
    """jira-resilient, a delta: drains minute after minute from the middle of the project's life."""
    client = JiraClient(url, TOKEN)
    times = sorted(parse(row["updated"]) for row in world.values())
    since = times[int(len(times) * 0.9)].replace(second=0, microsecond=0)
    wanted = {id_ for id_, row in world.items() if parse(row["updated"]) >= since}
    pages = client.search_seek(PROJECT, after_ts=since, page_size=PAGE)
    return wanted, [row | {"whole": True} for page in pages for row in page.issues]


def jira_batches(url, world):
    """jira, everything: offset batches until the total is reached."""
    client = JIRA(url, token_auth=TOKEN)
    found = client.search_issues(f"project = {PROJECT} ORDER BY key", maxResults=False, expand="changelog")
    return set(world), [issue.raw | {"whole": True} for issue in found]


def atlassian_list(url, world):
    """atlassian-python-api, everything: offset pages until the total is reached."""
    client = Jira(url=url, token=TOKEN)
    found = client.jql_get_list_of_tickets(f"project = {PROJECT} ORDER BY key ASC")
    return set(world), [row | {"whole": True} for row in found]


def atlassian_window(url, world):
    """atlassian-python-api, one page: a window of `updated` in epoch milliseconds."""
    client = Jira(url=url, token=TOKEN)
    times = sorted(parse(row["updated"]) for row in world.values())
    start = times[len(times) // 2].replace(microsecond=0)
    end = start + timedelta(days=3)
    wanted = {id_ for id_, row in world.items() if start <= parse(row["updated"]) < end}
    jql = f"project = {PROJECT} AND updated >= {millis(start)} AND updated < {millis(end)} ORDER BY updated"
    rows, at = [], 0
    while page := client.jql(jql + ", key", fields="updated", start=at, limit=1000)["issues"]:
        rows += page
        at += len(page)
    return wanted, rows


def parse(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


SCANS = [
    ("jira-resilient full scan", resilient_full),
    ("jira-resilient delta", resilient_delta),
    ("jira", jira_batches),
    ("atlassian-python-api", atlassian_list),
    ("atlassian-python-api window", atlassian_window),
]

if __name__ == "__main__":
    sys.exit(main())
