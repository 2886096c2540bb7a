"""Runs the public suite of HTTP cache behaviour (https://cache-tests.fyi) against Python caches, in-process.

    npm install http-cache-tests              # anywhere; Node 14.8 or later
    python tests/conformance/run.py node_modules/http-cache-tests --client condget

The suite's own server answers, its test definitions are read as data, and the steps and checks of its client
are interpreted here (`steps.py`), each test with a cache and a client of its own. condget does not depend on its peers:
`pip install "hishel[httpx,async]" requests-cache "cachecontrol[filecache]"`.

The tests that apply to a private cache inside a client, and are counted:
- not the suites on Surrogate-Control and CDN-Cache-Control, which address content delivery networks;
- not what only a shared cache must or may do: names that say "shared", and the two on serving stale under
  proxy-revalidate and s-maxage, which bind shared caches only (RFC 9111 §5.2.2.8, §5.2.2.10);
- not nine on Age of release 0.4.5, which is older than RFC 9111: it wants a repeated or invalid Age to mean stale,
  where §5.1 has the first value used and an invalid one ignored (the suite's repository has since turned them);
- not the two on `immutable` that need a reload as the Fetch standard has it (`cache: "no-cache"`);
- all others, those that browsers skip or that only browsers run included.

A test counts as met only if those it depends on are met; the number "dependencies aside" is printed as well.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import contextlib
import json
import math
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clients
from clients import CLIENTS
from steps import Result, run_test

SHARED_ONLY = {"stale-close-proxy-revalidate", "stale-close-s-maxage=2"}
#: Tests whose expectation, that the stored response is stale, RFC 9111 §5.1 has reversed.
OVERTAKEN = {
    f"age-parse-{name}"
    for name in (
        *("nonnumeric", "negative", "float", "prefix-twoline", "dup-0", "dup-0-twoline", "dup-old"),
        *("parameter", "numeric-parameter"),
    )
}
EXPORT = "const suites = (await import(process.argv[1])).default;process.stdout.write(JSON.stringify(suites))"


def read_tests(package: Path) -> list[dict[str, Any]]:
    """Return every test of the suite, with the suite's id under `suite`."""
    index = (package / "tests" / "index.mjs").resolve().as_uri()
    answer = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "-e", EXPORT, index], check=True, capture_output=True
    )
    return [test | {"suite": suite["id"]} for suite in json.loads(answer.stdout) for test in suite["tests"]]


def applies(test: dict[str, Any]) -> bool:
    """Whether a private cache inside a client is meant; the module's docstring says it in words."""
    return not (
        test["suite"] in {"surrogate-control", "cdn-cache-control"}
        or test.get("cdn_only")
        or re.search(r"\bshared\b", test["name"], re.IGNORECASE)
        or test["id"] in SHARED_ONLY
        or (test["id"] in OVERTAKEN and test["requests"][-1].get("expected_type") == "not_cached")
        or any("cache" in step for step in test["requests"])
    )


@contextlib.contextmanager
def server(package: Path) -> Iterator[str]:
    """Run the suite's server on a free port and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = {"protocol": "http", "port": str(port), "pidfile": f"{folder}/pid"}
        process = subprocess.Popen(
            ["node", "--no-warnings", str((package / "server" / "server.mjs").resolve())],
            env=os.environ | {f"npm_config_{name}": value for name, value in settings.items()},
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        base = f"http://127.0.0.1:{port}"
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"{base}/state/none").close()
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.1)
            yield base
        finally:
            process.terminate()
            process.wait()


def judge(tests: dict[str, dict[str, Any]], results: dict[str, Result]) -> dict[str, Result]:
    """Replace the result of each test whose dependencies do not hold: it shows nothing."""

    def holds(name: str) -> bool:
        return name not in results or (results[name].outcome == "pass" and not missing(name))

    def missing(name: str) -> list[str]:
        return [other for other in tests[name].get("depends_on", ()) if not holds(other)]

    return {
        name: Result("dependency-failed", ", ".join(without)) if (without := missing(name)) else result
        for name, result in results.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("package", type=Path, help="the installed npm package http-cache-tests")
    parser.add_argument("--client", choices=CLIENTS, default="condget")
    parser.add_argument("--binding", choices=("httpx", "httpx2"), default="httpx", help="the library below condget")
    parser.add_argument("--only", metavar="ID", help="run this test alone and show its exchanges")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every result there")
    parser.add_argument("--jobs", type=int, default=40, help="tests at a time (most of them sleep)")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the tests that pass as well")
    args = parser.parse_args()

    clients.binding = args.binding
    tests = {test["id"]: test for test in read_tests(args.package) if applies(test)}
    if args.only and args.only not in tests:
        parser.error(f"no test {args.only!r} applies; see the rule in this file's docstring")
    chosen = [args.only] if args.only else list(tests)
    started = time.monotonic()
    with (
        server(args.package) as base,
        tempfile.TemporaryDirectory() as folder,
        concurrent.futures.ThreadPoolExecutor(args.jobs) as pool,
    ):

        def one(number: int, name: str) -> Result:
            home = Path(folder, str(number))
            home.mkdir()
            return run_test(tests[name], base, CLIENTS[args.client], home, print if args.only else None)

        alone = dict(zip(chosen, pool.map(one, range(len(chosen)), chosen), strict=True))
    results = judge(tests, alone)

    counts = collections.Counter((tests[name].get("kind", "required"), r.outcome) for name, r in results.items())
    for name, result in results.items():
        if args.verbose or args.only or result.outcome != "pass":
            kind = tests[name].get("kind", "required")
            print(f"{kind:8} {result.outcome:17} {name}{': ' if result.reason else ''}{result.reason}")
    print(f"\n{args.client} on {args.binding}: {len(results)} tests in {math.ceil(time.monotonic() - started)} s")
    for kind in ("required", "optimal", "check"):
        of_kind = {outcome: n for (k, outcome), n in counts.items() if k == kind}
        rest = ", ".join(f"{n} {outcome}" for outcome, n in sorted(of_kind.items()) if outcome != "pass")
        met = sum(r.outcome == "pass" for name, r in alone.items() if tests[name].get("kind", "required") == kind)
        print(f"{kind:8} {of_kind.get('pass', 0)} of {sum(of_kind.values())}, {met} dependencies aside", end="")
        print(f" ({rest})" if rest else "")
    if args.json:
        rows = {name: [tests[name].get("kind", "required"), *result] for name, result in results.items()}
        args.json.write_text(json.dumps({"client": args.client, "results": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
