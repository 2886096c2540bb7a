"""Behaviour over the wire as data: what is asked, what the origin answers, what the caller gets; sync and async.

A `Scenario` is a name and steps. `play` runs it against a scripted origin with a clock that stands still between steps.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from condget.cache.dates import format_date
from tests.library import condget, httpx
from tests.origin import Answer, Origin

#: The instant at which every scenario begins.
T = 1_000_000_000.0
#: Making one takes longer than most of the tests.
TLS = ssl.create_default_context()


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, now: float = T) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class SyncCalls:
    """A `condget.Client` behind plain calls."""

    kind = "sync"

    def __init__(self, **arguments: Any) -> None:
        self.client = condget.Client(**{"verify": TLS, **arguments})

    def request(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        return self.client.request(method, url, **arguments)

    def get(self, url: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", url, **arguments)

    def read_some(self, url: str, chunks: int = 1, **arguments: Any) -> httpx.Response:
        """Read that many raw chunks of a response, then close it."""
        with self.client.stream("GET", url, **arguments) as response:
            for _, _ in zip(range(chunks), response.iter_raw(), strict=False):
                pass
        return response

    def read_raw(self, url: str, **arguments: Any) -> tuple[httpx.Response, bytes]:
        with self.client.stream("GET", url, **arguments) as response:
            return response, b"".join(response.iter_raw())

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def in_background(self) -> bool:
        return any(thread.name == "condget-validate" for thread in threading.enumerate())

    def close(self) -> None:
        self.client.close()


class AsyncCalls:
    """A `condget.AsyncClient` behind the same plain calls, in one event loop."""

    kind = "async"

    def __init__(self, **arguments: Any) -> None:
        self.loop = asyncio.Runner()
        try:
            self.client = self.run(self._make, **{"verify": TLS, **arguments})
        except BaseException:
            self.loop.close()
            raise

    def run(self, function: Callable[..., Awaitable[Any]], *arguments: Any, **more: Any) -> Any:
        async def call() -> Any:
            return await function(*arguments, **more)

        return self.loop.run(call())

    async def _make(self, **arguments: Any) -> condget.AsyncClient:
        return condget.AsyncClient(**arguments)

    def request(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        response: httpx.Response = self.run(self.client.request, method, url, **arguments)
        return response

    def get(self, url: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", url, **arguments)

    def read_some(self, url: str, chunks: int = 1, **arguments: Any) -> httpx.Response:
        async def read() -> httpx.Response:
            async with self.client.stream("GET", url, **arguments) as response:
                left = chunks
                async for _ in response.aiter_raw():
                    left -= 1
                    if left <= 0:
                        break
            return response

        response: httpx.Response = self.run(read)
        return response

    def read_raw(self, url: str, **arguments: Any) -> tuple[httpx.Response, bytes]:
        async def read() -> tuple[httpx.Response, bytes]:
            async with self.client.stream("GET", url, **arguments) as response:
                return response, b"".join([chunk async for chunk in response.aiter_raw()])

        got: tuple[httpx.Response, bytes] = self.run(read)
        return got

    def pause(self, seconds: float) -> None:
        self.run(asyncio.sleep, seconds)

    def in_background(self) -> bool:
        return any(task.get_name() == "condget-validate" for task in asyncio.all_tasks(self.loop.get_loop()))

    def close(self) -> None:
        self.run(self.client.aclose)
        self.loop.close()


Calls = SyncCalls | AsyncCalls
KINDS: dict[str, type[SyncCalls] | type[AsyncCalls]] = {"sync": SyncCalls, "async": AsyncCalls}


@contextmanager
def calling(kind: str, **arguments: Any) -> Iterator[Calls]:
    calls = KINDS[kind](**arguments)
    try:
        yield calls
    finally:
        calls.close()


def pairs(text: str) -> list[tuple[str, str]]:
    """`A: 1 | B: 2` as fields."""
    lines = (line.strip().partition(":") for line in text.split("|") if line.strip())
    return [(name, value.strip()) for name, _, value in lines]


def answer(text: str = "", body: bytes = b"", status: int = 200, **more: Any) -> Answer:
    """A response of the origin, its fields as `A: 1 | B: 2`."""
    return Answer(status, fields=pairs(text), body=body, **more)


@dataclass(frozen=True)
class Step:
    """One request of the caller's. Fields are written `A: 1 | B: 2`; `-A` means that there is no such field."""

    #: None: no request may reach the origin. A list: the answers to several requests.
    origin: Answer | list[Answer] | None = None
    asked: str = ""
    later: float = 0
    method: str = "GET"
    path: str = "/"
    control: Any = None
    #: Fields of the (last) request that reached the origin.
    sent: str = ""
    status: int = 200
    body: bytes | None = None
    got: str = ""
    #: Members of the Cache-Status that must be there; `-stored`: must not.
    says: str = ""
    raises: type[Exception] | None = None
    auth: tuple[str, str] | None = None
    #: Requests that follow in the background.
    background: Answer | None = None


@dataclass(frozen=True)
class Scenario:
    name: str
    steps: list[Step]
    policy: condget.Policy = field(default_factory=condget.Policy)


def play(kind: str, scenario: Scenario, origin: Origin, directory: Path) -> None:
    clock = FakeClock()
    with calling(kind, cache=directory, clock=clock, policy=scenario.policy) as calls:
        for number, step in enumerate(scenario.steps, 1):
            clock.now += step.later
            _play(calls, step, origin, f"step {number} of {scenario.name!r}")


def _play(calls: Calls, step: Step, origin: Origin, where: str) -> None:
    expected = [] if step.origin is None else step.origin if isinstance(step.origin, list) else [step.origin]
    answers = [*expected, *([step.background] if step.background else [])]
    origin.script("*", *(answers or [Answer(500, body=b"no request was expected")]))
    origin.clear()
    more: dict[str, Any] = {"auth": step.auth} if step.auth else {}
    if step.control is not None:
        more["extensions"] = {"condget": step.control}
    url, headers = origin.url(step.path), pairs(step.asked)
    if step.raises is not None:
        with pytest.raises(getattr(httpx, step.raises.__name__, step.raises)):
            calls.request(step.method, url, headers=headers, **more)
        return
    response = calls.request(step.method, url, headers=headers, **more)
    for _ in range(200):
        if len(origin.requests) >= len(answers):
            break
        calls.pause(0.01)
    requests = origin.requests
    assert len(requests) == len(answers), f"{where}: {len(requests)} requests, {response.extensions['condget']}"
    said = str(response.extensions["condget"]).split("; ")
    assert response.status_code == step.status, f"{where}: {said}"
    for wanted in filter(None, step.says.split("; ")):
        assert (wanted[1:] not in said) if wanted.startswith("-") else (wanted in said), f"{where}: {wanted}, {said}"
    if step.body is not None:
        assert response.content == step.body, where
    _check(step.got, [(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw], where)
    if step.sent:
        _check(step.sent, list(requests[len(expected) - 1].fields), f"{where}, at the origin")
    if step.background:
        wait_for_background(calls)


def _check(wanted: str, fields: list[tuple[str, str]], where: str) -> None:
    by_name: dict[str, list[str]] = {}
    for name, value in fields:
        by_name.setdefault(name.lower(), []).append(value)
    expected: dict[str, list[str]] = {}
    for name, value in pairs(wanted):
        if name.startswith("-"):
            assert name[1:].lower() not in by_name, f"{where}: {name[1:]}: {by_name[name[1:].lower()]}"
        else:
            expected.setdefault(name.lower(), []).append(value)
    for name, values in expected.items():
        assert by_name.get(name) == values, f"{where}: {name}"


# --- what many scenarios are made of

FRESH = "Cache-Control: max-age=60"
TAGGED = f'{FRESH} | ETag: "a"'
MODIFIED = format_date(T - 1000)
STALE_OK = answer(TAGGED, b"old")
NEW = answer(FRESH, b"new")
UNCHANGED = answer(status=304)
DIGITS = b"0123456789"
WHOLE = answer(TAGGED, DIGITS)
RESET = Answer(reset=True)


def part(first: int, last: int, text: str = TAGGED, length: str = "10") -> Answer:
    return answer(f"{text} | Content-Range: bytes {first}-{last}/{length}", DIGITS[first : last + 1], 206)


def again(first: Answer, *steps: Step, asked: str = "") -> list[Step]:
    """Steps that follow a first answer that is stored."""
    return [Step(first, asked, says="stored"), *steps]


def unstored(first: Answer, detail: str, asked: str = "", method: str = "GET") -> list[Step]:
    """An answer that is not stored, with its reason; the same request reaches the origin again."""
    step = Step(first, asked, method=method, status=first.status, says=f'-stored; detail="not stored: {detail}"')
    return [step, step]


def scenario_test(scenarios: list[Scenario]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test for each of these scenarios, sync and async."""
    names = [scenario.name for scenario in scenarios]
    assert len(set(names)) == len(names), "every scenario has a name of its own"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        by_name = pytest.mark.parametrize("scenario", scenarios, ids=names)
        decorated: Callable[..., None] = pytest.mark.parametrize("kind", KINDS)(by_name(test))
        return decorated

    return decorate


def wait_for_background(calls: Calls) -> None:
    """Wait until no request is under way in the background."""
    for _ in range(500):
        if not calls.in_background():
            return
        calls.pause(0.01)
    raise AssertionError("a background request does not end")


def together(calls: Calls, url: str, *arguments: dict[str, Any]) -> list[httpx.Response | BaseException]:
    """Send several GETs at once, in threads or tasks; what each got or raised, in order."""
    if isinstance(calls, AsyncCalls):
        client = calls.client

        async def gather() -> list[httpx.Response | BaseException]:
            return await asyncio.gather(*(client.get(url, **more) for more in arguments), return_exceptions=True)

        results: list[httpx.Response | BaseException] = calls.run(gather)
        return results
    with ThreadPoolExecutor(len(arguments)) as pool:
        futures = [pool.submit(calls.get, url, **more) for more in arguments]
        return [future.exception() or future.result() for future in futures]
