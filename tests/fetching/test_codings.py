"""Content codings: all that are offered decode, whole and byte by byte; what is broken is noticed; bombs are cheap."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli
import pytest
import zstandard

from condget.fetching import codings
from condget.fetching.codings import Content, applied, offered
from condget.fetching.failures import Failure
from condget.fetching.request import Limits

FEED = b"<?xml version='1.0'?><rss><channel><title>A feed</title></channel></rss>" * 20


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


CODED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "x-gzip": ("X-GZip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", lambda data: brotli.compress(data, quality=4)),
    "zstd": ("zstd", zstandard.compress),
    "zstd of two frames": ("zstd", lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:])),
    "gzip twice": ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
    "br over gzip": ("gzip, br", lambda data: brotli.compress(gzip.compress(data), quality=4)),
    "identity": ("identity", lambda data: data),
}


def decoded(content_encoding: str | None, data: bytes, step: int = 65_536, limits: Limits | None = None) -> bytes:
    content = Content(applied(content_encoding), limits or Limits())
    for start in range(0, len(data), step):
        for _ in content.feed(data[start : start + step]):
            pass
    assert content.received == len(data)
    return content.finish()


@pytest.mark.parametrize("step", [65_536, 7, 1])
@pytest.mark.parametrize("coded", CODED)
def test_d6_every_coding_decodes_in_pieces_of_any_size(coded: str, step: int) -> None:
    """D6"""
    label, encode = CODED[coded]
    assert decoded(label, encode(FEED), step) == FEED


@pytest.mark.parametrize("coded", [name for name in CODED if name != "identity"])
def test_large_content_decodes(coded: str) -> None:
    label, encode = CODED[coded]
    data = b"".join(b"%d " % n for n in range(200_000))
    assert decoded(label, encode(data)) == data


def test_d6_the_offer_is_pinned() -> None:
    """D6"""
    assert offered() == ("gzip", "deflate", "br", "zstd")


def test_d6_what_is_not_installed_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """D6"""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    codings.offered.cache_clear()
    try:
        assert offered() == ("gzip", "deflate")
        with pytest.raises(Failure, match="'br', which was not offered"):
            applied("br")
    finally:
        codings.offered.cache_clear()


@pytest.mark.parametrize("coded", [name for name in CODED if name != "identity"])
@pytest.mark.parametrize("missing", [1, 5, 10])
def test_b5_a_coding_that_ends_early_is_an_error(coded: str, missing: int) -> None:
    label, encode = CODED[coded]
    with pytest.raises(Failure):
        decoded(label, encode(FEED)[:-missing])


@pytest.mark.parametrize("label", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_b5_a_wrong_coding_is_an_error(label: str) -> None:
    with pytest.raises(Failure):
        decoded(label, b"\x01\xff\xfe plainly something else")


def test_b5_a_damaged_gzip_is_an_error() -> None:
    coded = bytearray(gzip.compress(FEED))
    coded[-5] ^= 1
    with pytest.raises(Failure):
        decoded("gzip", bytes(coded))


@pytest.mark.parametrize("step", [65_536, 1])
@pytest.mark.parametrize("data", [FEED, b"\xef\xbb\xbf" + FEED, b"\n\n" + FEED, b'{"version": 1}'])
def test_text_that_is_labelled_gzip_is_taken_as_it_is(data: bytes, step: int) -> None:
    assert decoded("gzip", data, step) == data


@pytest.mark.parametrize("step", [65_536, 1])
@pytest.mark.parametrize("padding", [b"\0", b"\0" * 512, b"\r\n", b"junk"])
def test_padding_behind_a_complete_gzip_is_passed_over(padding: bytes, step: int) -> None:
    assert decoded("gzip", gzip.compress(FEED) + padding, step) == FEED


def test_no_content_at_all_is_no_broken_coding() -> None:
    assert decoded("gzip", b"") == b""
    assert decoded("zstd", b"") == b""


@pytest.mark.parametrize("label", ["compress", "gzip, sdch", "gzip, gzip, gzip"])
def test_codings_that_were_not_offered_or_are_too_many_are_errors(label: str) -> None:
    with pytest.raises(Failure):
        applied(label)


BOMB = 100_000_000


def zeros(compress: Callable[[bytes], bytes], flush: Callable[[], bytes]) -> bytes:
    piece = bytes(4_000_000)
    return b"".join(compress(piece) for _ in range(BOMB // len(piece))) + flush()


def deflated(wbits: int) -> bytes:
    encoder = zlib.compressobj(9, wbits=wbits)
    return zeros(encoder.compress, encoder.flush)


def brotli_coded() -> bytes:
    encoder = brotli.Compressor(quality=1)
    return zeros(encoder.process, encoder.finish)


def zstd_coded() -> bytes:
    encoder = zstandard.ZstdCompressor().compressobj()
    return zeros(encoder.compress, encoder.flush)


@pytest.mark.parametrize(
    ("label", "bomb"),
    [
        ("gzip", lambda: deflated(31)),
        ("deflate", lambda: deflated(-15)),
        ("gzip, gzip", lambda: gzip.compress(deflated(31))),
        ("br", brotli_coded),
        ("zstd", zstd_coded),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_f2_a_bomb_costs_bounded_memory(label: str, bomb: Callable[[], bytes]) -> None:
    """F2"""
    data = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(Failure, match=r"bomb|when decoded"):
            decoded(label, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30_000_000


def test_f2_content_is_limited_as_decoded() -> None:
    """F2"""
    data = bytes(range(256)) * 400
    with pytest.raises(Failure, match="100,000 bytes when decoded"):
        decoded("gzip", gzip.compress(data), limits=Limits(decoded=100_000))


def test_f2_a_thousand_members_are_enough() -> None:
    """F2"""
    with pytest.raises(Failure, match="members"):
        decoded("gzip", gzip.compress(b"x") * 1_001)


def test_f2_a_repetitive_small_document_is_no_bomb() -> None:
    """F2"""
    data = bytes(900_000)
    assert decoded("gzip", gzip.compress(data)) == data


@pytest.mark.parametrize("label", ["utf-8", "none", "identity,", "UTF-8, none", "binary"])
def test_a_coding_that_does_not_exist_is_none_where_the_content_is_text(label: str) -> None:
    assert decoded(label, FEED, 7) == FEED


def test_a_coding_that_does_not_exist_is_passed_over_beside_one_that_does() -> None:
    assert decoded("gzip, utf-8", gzip.compress(FEED)) == FEED


def test_b5_a_coding_that_does_not_exist_is_an_error_where_the_content_is_not_text() -> None:
    with pytest.raises(Failure, match="'binary', which was not offered"):
        decoded("binary", b"\x00\x01")


def test_f2_what_an_inner_coding_swallows_counts() -> None:
    """F2: empty members make no output of the inner coding, however long the output of the outer one is."""
    empty = zlib.compressobj(9, wbits=31)
    block = empty.compress(b"") + empty.flush(zlib.Z_FULL_FLUSH)
    swallowed = block + b"\x00\x00\x00\xff\xff" * 12_000_000
    with pytest.raises(Failure, match=r"bomb|when decoded|to decode"):
        decoded("gzip, gzip", gzip.compress(swallowed, 1))


def test_f2_decoding_takes_a_bounded_time() -> None:
    """F2: CPU seconds, as the limits say."""
    data = b"".join(b"%d " % n for n in range(3_000_000))
    with pytest.raises(Failure, match="seconds to decode"):
        decoded("gzip", gzip.compress(data, 1), limits=Limits(received=50_000_000, seconds=0.005))


def test_f1_each_step_of_decoding_is_short() -> None:
    """F1: the loop can go on to others between any two steps."""
    for coding, data in {"gzip": deflated(31), "gzip, gzip": gzip.compress(deflated(31)), "zstd": zstd_coded()}.items():
        content = Content(applied(coding), Limits(decoded=20_000_000, ratio=10**9))
        longest = 0.0
        with suppress(Failure):
            for start in range(0, len(data), 65_536):
                steps = content.feed(data[start : start + 65_536])
                while True:
                    began = time.thread_time()
                    if next(steps, steps) is steps:
                        break
                    longest = max(longest, time.thread_time() - began)
        assert longest < 0.05, coding
