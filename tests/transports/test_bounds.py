"""Bounded: a byte budget with LRU eviction, a limit per response, a file that does not grow without end (G11)."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from condget import Policy
from condget.cache.fields import Fields
from condget.cache.messages import StoredResponse
from tests.library import condget
from tests.origin import Origin, RawRequest
from tests.transports.scenarios import KINDS, FakeClock, T, answer, calling

both = pytest.mark.parametrize("kind", KINDS)
FRESH = "Cache-Control: max-age=3600"
TAGGED = f'{FRESH} | ETag: "a"'


@both
def test_the_least_recently_used_goes_first(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G11"""
    origin.script("*", answer(TAGGED, b"x" * 10_000))
    clock = FakeClock()
    cache = condget.Cache(tmp_path, max_size=45_000, clock=clock)
    with cache, calling(kind, cache=cache, clock=clock, policy=Policy(max_content_length=10_000)) as calls:
        for n in (1, 2, 3, 4, 1, 2, 5, 6):
            clock.now += 1
            calls.get(origin.url(f"/{n}"))
            assert cache.size <= 45_000
        origin.clear()
        hits = [
            n
            for n in range(1, 7)
            if calls.get(origin.url(f"/{n}"), extensions={"condget": "only-if-cached"}).is_success
        ]
    assert hits == [1, 2, 5, 6]


@both
def test_what_is_expired_and_cannot_be_validated_goes_before_what_is_older(
    kind: str, origin: Origin, tmp_path: Path
) -> None:
    """G11"""

    def script(request: RawRequest):  # type: ignore[no-untyped-def]
        text = "Cache-Control: max-age=1" if request.path == "/useless" else TAGGED
        return answer(text, b"x" * 10_000)

    origin.script("*", script)
    clock = FakeClock()
    cache = condget.Cache(tmp_path, max_size=35_000, clock=clock)
    with cache, calling(kind, cache=cache, clock=clock, policy=Policy(max_content_length=10_000)) as calls:
        for path in ("/old", "/older", "/useless", "/new"):
            clock.now += 10
            calls.get(origin.url(path))
        only = {"condget": "only-if-cached"}
        hits = [
            p for p in ("/old", "/older", "/useless", "/new") if calls.get(origin.url(p), extensions=only).is_success
        ]
    assert hits == ["/old", "/older", "/new"]


@both
@pytest.mark.parametrize(
    ("max_size", "policy", "chunked"),
    [
        (10**9, Policy(max_content_length=99_999), False),
        (10**9, Policy(max_content_length=99_999), True),
        (99_999, Policy(max_content_length=10**9), False),
        (99_999, Policy(max_content_length=10**9), True),
        (100_000, Policy(max_content_length=10**9), False),
        (100_000, Policy(max_content_length=10**9), True),
        (799_999, Policy(), False),
        (799_999, Policy(), True),
    ],
)
def test_a_response_that_is_too_long_passes_by_and_the_cache_works_on(
    kind: str,
    max_size: int,
    policy: Policy,
    chunked: bool,
    origin: Origin,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """G11, G12: it is not stored, and says so; that is not a failure of the cache."""
    origin.script("/long", answer(FRESH, b"x" * 100_000, chunked=chunked))
    origin.script("/short", answer(FRESH, b"y"))
    cache = condget.Cache(tmp_path, max_size=max_size)
    with cache, calling(kind, cache=cache, policy=policy) as calls:
        calls.get(origin.url("/short"))
        long = calls.get(origin.url("/long"))
        assert long.content == b"x" * 100_000
        assert long.extensions["condget"].detail.startswith("not stored: longer than")
        assert not long.extensions["condget"].stored
        assert calls.get(origin.url("/short")).extensions["condget"].hit
        assert len(cache) == 1
    assert not caplog.records


@both
def test_a_response_longer_than_a_chunk_and_than_the_cache_leaves_nothing_behind(
    kind: str, origin: Origin, tmp_path: Path
) -> None:
    """G11"""
    origin.script("/", answer(FRESH, b"x" * 5_000_000, chunked=True))
    cache = condget.Cache(tmp_path, max_size=3_000_000)
    with cache, calling(kind, cache=cache, policy=Policy(max_content_length=10**9)) as calls:
        for _ in range(3):
            assert len(calls.get(origin.url()).content) == 5_000_000
        assert (len(cache), cache.size) == (0, 0)
        file = tmp_path / "cache.sqlite3"
        assert file.stat().st_size < 5_000_000


@both
def test_one_long_response_does_not_empty_the_cache(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G11: one response takes at most an eighth of the budget, unless the policy says otherwise."""
    origin.script("*", answer(FRESH, b"x" * 1000))
    origin.script("/long", answer(FRESH, b"x" * 95_000), answer(FRESH, b"x" * 95_000))
    with condget.Cache(tmp_path, max_size=100_000) as cache:
        with calling(kind, cache=cache) as calls:
            for number in range(50):
                calls.get(origin.url(f"/{number}"))
            assert calls.get(origin.url("/long")).extensions["condget"].detail == "not stored: longer than 12500 bytes"
            assert len(cache) == 50
        with calling(kind, cache=cache, policy=Policy(max_content_length=95_000)) as calls:
            assert calls.get(origin.url("/long")).extensions["condget"].stored


def test_the_file_does_not_grow_with_the_changes_of_one_url(tmp_path: Path) -> None:
    """G11: 5,000 changes here; 100,000 by hand give the same size."""
    with condget.Cache(tmp_path, max_size=10**7, clock=FakeClock()) as cache:
        for number in range(5000):
            fields = Fields([("ETag", f'"{number}"')])
            stored = StoredResponse("http://a.example/", 200, fields, T, T, selecting=((),))
            writer = cache.writer(stored, cache.load(stored.url))
            writer.write(b"%d" % number * 500)
            writer.commit()
        assert len(cache) == 1
        assert b"".join(cache.content(cache.load("http://a.example/")[0])) == b"4999" * 500
        assert sum(part.stat().st_size for part in tmp_path.iterdir()) < 8_000_000
    assert (tmp_path / "cache.sqlite3").stat().st_size < 200_000


def test_many_variants_of_one_url_stay_bounded(origin: Origin, tmp_path: Path) -> None:
    """G11: Vary on a field that is different each time must not slow a URL down for ever."""
    origin.script("/", answer(f"{FRESH} | Vary: X-Id", b"x"))
    with condget.Cache(tmp_path) as cache, calling("sync", cache=cache) as calls:
        for number in range(150):
            calls.get(origin.url(), headers={"X-Id": str(number)})
        assert calls.get(origin.url(), headers={"X-Id": "149"}).extensions["condget"].hit
        assert len(cache) <= 100


@both
def test_a_reader_that_pauses_keeps_its_content_and_no_log_grows(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G5, G11: its response is replaced and much is stored meanwhile; what it reads is what it began to read."""
    origin.script("/", answer(TAGGED, b"x" * 3_000_000), answer(TAGGED, b"z" * 3_000_000))
    origin.script("*", answer(TAGGED, b"y" * 1_000_000))
    whole = Policy(max_content_length=4_000_000)
    with condget.Cache(tmp_path, max_size=16_000_000) as cache, calling(kind, cache=cache, policy=whole) as calls:
        calls.get(origin.url())
        content = cache.content(cache.load(origin.url())[0])
        first = next(content)
        for number in range(40):
            calls.get(origin.url(f"/{number}"))
        calls.get(origin.url(), headers={"Cache-Control": "no-cache"})
        assert (tmp_path / "cache.sqlite3-wal").stat().st_size < 16_000_000
        assert first + b"".join(content) == b"x" * 3_000_000
        assert calls.get(origin.url()).content == b"z" * 3_000_000
        assert (cache.verify(), cache.size < 16_000_000) == ([], True)


@both
def test_pruning_knows_the_lifetime_that_a_policy_grants(kind: str, origin: Origin, tmp_path: Path) -> None:
    """G11: a response without a validator is of use while it is fresh, by whose word ever."""
    origin.script("*", answer("", b"x"))
    clock = FakeClock()
    cache, policy = condget.Cache(tmp_path, clock=clock), Policy(ttl=60)
    with cache, calling(kind, cache=cache, clock=clock, policy=policy) as calls:
        calls.get(origin.url())
        clock.now += 59
        assert cache.prune() == 0
        assert calls.get(origin.url()).extensions["condget"].hit
        clock.now += 2
        assert cache.prune() == 1


def test_a_cache_travels_to_another_process(tmp_path: Path) -> None:
    cache = condget.Cache(tmp_path, max_size=5)
    copied = pickle.loads(pickle.dumps(cache))
    assert (copied.path, copied.max_size, copied.clock) == (cache.path, 5, cache.clock)
