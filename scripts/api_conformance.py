"""Starts a simulated Jira and a service on it, and has schemathesis drive the service's run API.

Usage: api_conformance.py EXTRACTOR SIMULATOR EXAMPLES

Every run is started with a token, and the checks include that nothing answers without it. Ends with
schemathesis's own status.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

TOKEN = "a-token-for-this-test-of-the-api"
READY_WITHIN_SECS = 120
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "ignored_auth",
]


def main() -> int:
    extractor, simulator, examples = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        jira = start([simulator, "--port", "0", "--projects", "PROJ,OPS", "--issues", "200"])
        try:
            url = jira.stdout.readline().strip()
            service = start([extractor, "run"], env=settings(url, folder), stderr=True)
            try:
                address = f"http://{listening(service)}"
                wait_until_ready(address)
                return drive(address, examples)
            finally:
                end(service)
        finally:
            end(jira)


def start(command, env=None, stderr=False):
    pipe = {"stderr": subprocess.PIPE} if stderr else {"stdout": subprocess.PIPE}
    return subprocess.Popen(command, env=env, text=True, **pipe)


def end(process) -> None:
    process.terminate()
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def settings(url: str, folder: str) -> dict[str, str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("EXTRACTOR_")}
    database = os.environ.get("DATABASE_URL_FOR_API")
    place = {"DATABASE_URL": database} if database else {
        "EXTRACTOR_DATABASE__DATA_DIR": str(Path(folder) / "postgres"),
    }
    return known | place | {
        "EXTRACTOR_JIRA__BASE_URL": url,
        "EXTRACTOR_SYNC__PROJECTS": "PROJ,OPS",
        "EXTRACTOR_HTTP__LISTEN": "127.0.0.1:0",
        "EXTRACTOR_HTTP__TOKEN": TOKEN,
        "EXTRACTOR_LOG__FORMAT": "json",
    }


def listening(service) -> str:
    """The address that the service says it listens on. Its later lines are kept out of its way."""
    for line in service.stderr:
        if '"http.address"' in line:
            threading.Thread(target=lambda: service.stderr.read(), daemon=True).start()
            return find(json.loads(line), "http.address")
        print(line, end="", file=sys.stderr)
    raise SystemExit("the service ended before it listened")


def find(value, name):
    if name in value:
        return value[name]
    return value["fields"][name]


def wait_until_ready(address: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECS
    said = ""
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{address}/readyz", timeout=5)
            return
        except urllib.error.HTTPError as error:
            said = error.read().decode()
        time.sleep(0.2)
    raise SystemExit(f"the service is not ready after {READY_WITHIN_SECS} s: {said}")


def drive(address: str, examples: str) -> int:
    program = Path(sys.executable).with_name("schemathesis")
    command = [str(program), "run", f"{address}/api/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {TOKEN}"]
    command += ["--checks", ",".join(CHECKS), "--max-examples", examples, "--seed", "7"]
    command += ["--continue-on-failure", "--no-shrink", "--max-response-time", "10"]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
