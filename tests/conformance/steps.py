"""The steps and expectations of the public cache suite: one test in, its result out.

A test tells the server what to answer to each request, sends the requests through a cache, and compares the
responses, and the requests that the server saw, with what was expected. A failed preparation ("setup") shows
nothing about the cache.
"""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
import traceback
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

PAUSE = 3.0  # seconds, the suite's own
NO_BODY = {204, 304}
DATES = {"date", "expires", "last-modified", "if-modified-since", "if-unmodified-since"}
LOCATIONS = {"location", "content-location"}

Step = Mapping[str, Any]


class Answer(NamedTuple):
    """A response as the caller of the cache got it; field names in lower case, repeated fields joined."""

    status: int
    fields: dict[str, str]
    text: str


class Result(NamedTuple):
    outcome: str  # pass, fail, setup-failed, dependency-failed
    reason: str = ""


#: (method, URL, fields, body) -> answer; raises whatever the client raises.
Send = Callable[[str, str, list[tuple[str, str]], str | None], Answer]
Open = Callable[[Path], AbstractContextManager[Send]]


class Failed(Exception):
    pass


class SetupFailed(Exception):
    pass


def check(setup: bool, holds: bool, reason: str) -> None:
    if not holds:
        raise SetupFailed(reason) if setup else Failed(reason)


def run_test(test: dict[str, Any], base: str, client: Open, folder: Path, log: Callable[[str], None] | None) -> Result:
    """Run one test with a new client that may keep its files in `folder`."""
    token = str(uuid.uuid4())
    steps = [step | {"id": test["id"], "name": test["name"]} for step in test["requests"]]
    answers: list[Answer | None] = []
    try:
        call("PUT", f"{base}/config/{token}", json.dumps(steps).encode())
        with client(folder) as send:
            for number, step in enumerate(steps, 1):
                answer = exchange(send, step, number, f"{base}/test/{token}", answers, log)
                if answer is not None:
                    check_answer(step, number, answer, token)
                answers.append(answer)
                if "pause_after" in step:
                    time.sleep(PAUSE)
        seen = json.loads(call("GET", f"{base}/state/{token}") or b"[]")
        if log:
            log(f"the server saw {json.dumps(seen, indent=1)}")
        check_server(steps, answers, seen)
    except SetupFailed as error:
        return Result("setup-failed", str(error))
    except Failed as error:
        return Result("fail", str(error))
    except Exception as error:  # noqa: BLE001 - whatever a client raises is its result
        if log:
            log(traceback.format_exc())
        return Result("fail", f"Request {len(answers) + 1} raised {type(error).__name__}: {error}")
    return Result("pass")


def exchange(
    send: Send,
    step: Step,
    number: int,
    url: str,
    before: list[Answer | None],
    log: Callable[[str], None] | None,
) -> Answer | None:
    """Send one request. None: the server hung up, and the client said so by an exception, as it should.

    The suite's own client sits behind proxies, which turn a lost connection into a 5xx; inside a client it is
    an exception, and then the rest of that step holds.
    """
    fields = [(name, value) for name, value in step.get("request_headers", ())]
    if step.get("magic_ims") and before and before[-1]:
        last = before[-1].fields
        fields = [fixup(f, last, step) if f[0].lower() == "if-modified-since" else f for f in fields]
    # The suite's own client keeps no connection: some answers leave bytes behind for a next request.
    fields += [
        ("Test-Name", step["name"]),
        ("Test-ID", step["id"]),
        ("Req-Num", number),
        ("Connection", "close"),
    ]
    fields = [(name, str(value).strip()) for name, value in fields]
    if "filename" in step:
        url += f"/{step['filename']}"
    if "query_arg" in step:
        url += f"?{step['query_arg']}"
    method = step.get("request_method", "GET")
    if log:
        log(f"request {number}: {method} {url} {fields}")
    try:
        answer = send(method, url, fields, step.get("request_body"))
    except Exception as error:
        if log:
            log(f"answer {number}: {error!r}")
        if step.get("disconnect") and step.get("expected_type") != "cached":
            return None
        raise
    if log:
        log(f"answer {number}: {answer}")
    return answer


def fixup(pair: tuple[str, Any], answer: Mapping[str, str], step: Step) -> tuple[str, Any]:
    """Resolve a field value that is given relative to the server's clock or address."""
    name, value = pair[0].lower(), pair[1]
    if name in DATES and isinstance(value, int):
        instant = int(answer["server-now"]) // 1000 + value
        if name in step.get("rfc850date", ()):
            return pair[0], time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(instant))
        return pair[0], email.utils.formatdate(instant, usegmt=True)
    if name in LOCATIONS and step.get("magic_locations"):
        return pair[0], answer["server-base-url"] + (f"/{value}" if value else "")
    return pair[0], value


def is_setup(step: Step, member: str) -> bool:
    return step.get("setup") is True or member in step.get("setup_tests", ())


def number_in(text: str | None) -> float:
    found = re.match(r"\s*-?\d+", text or "")
    return int(found[0]) if found else math.nan


def check_answer(step: Step, number: int, answer: Answer, token: str) -> None:
    status, fields, text = answer
    counted = number_in(fields.get("server-request-count"))
    numbers = fields.get("request-numbers", "").split()
    check(True, len(numbers) == len(set(numbers)), "retry")

    if step.get("expected_type") == "cached" and not (status == 304 and math.isnan(counted)):
        check(is_setup(step, "expected_type"), counted < number, f"Response {number} does not come from cache")
    if step.get("expected_type") == "not_cached":
        check(is_setup(step, "expected_type"), counted == number, f"Response {number} comes from cache")

    if "expected_status" in step:
        wanted, setup = step["expected_status"], is_setup(step, "expected_status")
    elif "response_status" in step:
        wanted, setup = step["response_status"][0], True
    elif status == 999:  # the server's word for a request that should have been conditional
        check(
            is_setup(step, "expected_type"),
            False,
            f"Request {number} should have been conditional, but it was not",
        )
    else:
        wanted, setup = 200, True
    check(setup, wanted in (None, status), f"Response {number} status is {status}, not {wanted}")

    setup = is_setup(step, "expected_response_headers")
    for expected in step.get("expected_response_headers", ()):
        name = expected if isinstance(expected, str) else expected[0]
        value = fields.get(name.lower())
        if isinstance(expected, str) or len(expected) > 2:
            check(setup, value is not None, f"Response {number} {name} header not present")
        if isinstance(expected, str):
            continue
        if len(expected) == 2:
            wanted = fixup((name, expected[1]), fields, step)[1]
            check(setup, value == wanted, f"Response {number} header {name} is {value!r}, not {wanted!r}")
        elif expected[1] == "=":
            wanted = fields.get(expected[2].lower())
            check(
                setup,
                value == wanted,
                f"Response {number} header {name} is {value!r}, not {expected[2]} {wanted!r}",
            )
        else:
            check(
                setup,
                number_in(value) > expected[2],
                f"Response {number} header {name} is {value!r}, not > {expected[2]}",
            )

    setup = is_setup(step, "expected_response_headers_missing")
    for missing in step.get("expected_response_headers_missing", ()):
        # (A pair, name and value, is never looked at by the suite's own client.)
        if isinstance(missing, str):
            value = fields.get(missing.lower())
            check(setup, value is None, f"Response {number} includes unexpected header {missing}: {value!r}")

    if step.get("check_body") is False:
        return
    if "expected_response_text" in step:
        wanted, setup = step["expected_response_text"], is_setup(step, "expected_response_text")
    elif step.get("response_body") is not None:
        wanted, setup = step["response_body"], True
    elif status not in NO_BODY and step.get("request_method") != "HEAD":
        wanted, setup = token, True
    else:
        return
    check(setup, wanted in (None, text), f"Response {number} body is {text!r}, not {wanted!r}")


def check_server(steps: list[dict[str, Any]], answers: list[Answer | None], seen: list[dict[str, Any]]) -> None:
    """Compare the requests that reached the server with what was expected of each step."""
    at = 0
    for number, (step, answer) in enumerate(zip(steps, answers, strict=True), 1):
        kind, setup = step.get("expected_type"), is_setup(step, "expected_type")
        if kind == "cached":
            continue
        request: dict[str, Any] = seen[at] if at < len(seen) else {}
        at += 1
        if kind == "not_cached":
            check(
                setup,
                request.get("request_num") == number,
                f"Response {number} comes from cache",
            )
        if kind in ("etag_validated", "lm_validated"):
            check(setup, bool(request), f"request {number} wasn't sent to server")
            name = "if-none-match" if kind == "etag_validated" else "if-modified-since"
            check(setup, name in request["request_headers"], f"request {number} doesn't have {name} header")
        sent = request.get("request_headers", {})
        setup = is_setup(step, "expected_request_headers")
        for expected in step.get("expected_request_headers", ()):
            name = expected if isinstance(expected, str) else expected[0]
            value = sent.get(name.lower())
            if isinstance(expected, str):
                check(setup, value is not None, f"Request {number} {name} header not present")
            else:
                check(
                    setup,
                    value == expected[1],
                    f"Request {number} header {name} is {value!r}, not {expected[1]!r}",
                )
        if answer:
            for name, wanted in request.get("response_headers", ()):
                wanted = ", ".join(wanted) if isinstance(wanted, list) else wanted
                value = answer.fields.get(name.lower())
                same = name.lower() == "date" or value == wanted
                check(True, same, f"Response {number} header {name} is {value!r}, not {wanted!r}")
        if "expected_method" in step:
            method = request.get("request_method")
            wanted = step["expected_method"]
            check(
                is_setup(step, "expected_method"),
                method == wanted,
                f"Request {number} had method {method}, not {wanted}",
            )


def call(method: str, url: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        error.close()
        if method == "GET" and error.code == 404:
            return b""
        raise
