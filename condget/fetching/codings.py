"""Content codings (RFC 9110 §8.4.1): which are offered, and how they are decoded while they arrive (F2).

Output comes in pieces of bounded size, so that a bomb is noticed before it is in memory. A coding that ends early,
is damaged, or was not offered is an error (B5). Liberal in two places where nothing can be lost: content labelled
gzip that begins like text is taken as it is, for many servers label plain XML so; and bytes behind a complete gzip
member (its length and checksum were right) that begin no other member are padding.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable, Iterator
from time import thread_time
from typing import Any, Protocol

from condget.fetching.failures import AGAIN, NO_TRUST, TELL_OWNER, Failure
from condget.fetching.request import Limits

_PIECE = 65_536
#: zstd has no output limit. 256 bytes are at most 64 blocks of 128 kB: the most that one step can make.
_ZSTD_STEP = 256
#: RFC 9659: no more than 8 MB of window for a content coding.
_ZSTD_WINDOW = 8 * 1024 * 1024
_TOO_LONG = "if that is right, max-size= allows it"
_MOST_CODINGS = 2
_MOST_MEMBERS = 1_000
#: Below this many decoded bytes any ratio is fine: small repetitive documents compress absurdly well.
_RATIO_FLOOR = 10_000_000


@functools.cache
def offered() -> tuple[str, ...]:
    """Return the codings for Accept-Encoding, always in one order (D6): all that this installation decodes."""
    from importlib.util import find_spec

    codings = ["gzip", "deflate"]
    # Only brotli 1.2 and later can bound their output.
    if find_spec("brotli") and hasattr(_brotli_decompressor(), "can_accept_more_data"):
        codings.append("br")
    if find_spec("zstandard"):
        codings.append("zstd")
    return tuple(codings)


def applied(content_encoding: str | None) -> tuple[str, ...]:
    """Return the codings that a Content-Encoding names, in the order in which they were applied.

    >>> applied("x-gzip, identity")
    ('gzip',)

    A name that is not a content coding, such as `utf-8`, counts only where it stands alone. Its content must then begin
    like text.

    Raises:
        Failure: one of them was not offered, or there are too many.
    """
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = ["gzip" if name == "x-gzip" else name for name in names if name not in ("", "identity", "none")]
    known = [name for name in names if name in _REGISTERED]
    names = known or names[:1]
    for name in known:
        if name not in offered():
            raise _not_offered(name)
    if len(names) > _MOST_CODINGS:
        raise Failure(f"its content has {len(names)} codings, one over another", TELL_OWNER)
    return tuple(names)


class Content:
    """The content of one response as it arrives: counted, decoded, and refused beyond the limits.

    The limits hold for the output of each coding, also of a coding whose output another one consumes. `feed` works in
    steps, so that nothing holds the event loop: each is bounded by 64 kB of input or output of one coding.
    """

    __slots__ = ("_counts", "_decoders", "_limits", "_pieces", "_seconds", "received")

    def __init__(self, codings: Iterable[str], limits: Limits) -> None:
        # The coding that was applied last is decoded first.
        self._decoders: list[_Decoder] = [
            _DECODERS[coding]() if coding in _DECODERS else _Text(coding) for coding in reversed(tuple(codings))
        ]
        #: Bytes of output so far, by decoder.
        self._counts = [0] * len(self._decoders)
        self._limits = limits
        self._pieces: list[bytes] = []
        #: CPU seconds that decoding has taken.
        self._seconds = 0.0
        #: Bytes of content as received, still coded.
        self.received = 0

    @property
    def held(self) -> int:
        """Bytes of decoded content in memory."""
        return self._counts[-1] if self._counts else self.received

    def feed(self, data: bytes) -> Iterator[None]:
        """Take a piece of content as received; to be iterated to its end, step by step.

        Raises:
            Failure: a limit is exceeded, or the coding is broken.
        """
        self.received += len(data)
        if self.received > self._limits.received:
            raise too_long(self._limits)
        if not self._decoders:
            self._pieces.append(data)
            yield
            return
        pieces: Iterator[bytes] = iter((data,))
        for layer in range(len(self._decoders)):
            pieces = self._decoded(layer, pieces)
        began = thread_time()
        for piece in pieces:
            if piece:
                self._pieces.append(piece)
            self._seconds += thread_time() - began
            if self._seconds > self._limits.seconds:
                raise Failure(f"its content takes more than {self._limits.seconds:g} seconds to decode", NO_TRUST)
            yield
            began = thread_time()

    def _decoded(self, layer: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the output of a decoder; an empty piece is a step without output."""
        limits, decoder = self._limits, self._decoders[layer]
        for piece in pieces:
            for output in decoder.feed(piece) if piece else ():
                self._counts[layer] += len(output)
                if self._counts[layer] > limits.decoded:
                    raise Failure(f"its content is longer than {limits.decoded:,} bytes when decoded", _TOO_LONG)
                if self._counts[layer] > max(_RATIO_FLOOR, limits.ratio * self.received):
                    raise Failure(
                        f"its content decodes to more than {limits.ratio} times its length, as a bomb does", NO_TRUST
                    )
                yield output
            yield b""

    def finish(self) -> bytes:
        """Return the decoded content, once all has arrived.

        Raises:
            Failure: a coding ended early.
        """
        if self.received and not all(decoder.complete() for decoder in self._decoders):
            raise Failure("its content ends in the middle of a coding", AGAIN)
        return self.so_far()

    def so_far(self) -> bytes:
        """Return the content that is decoded by now."""
        return b"".join(self._pieces)


def too_long(limits: Limits) -> Failure:
    """The failure of content that is longer than allowed as received."""
    return Failure(f"its content is longer than {limits.received:,} bytes", _TOO_LONG)


class _Decoder(Protocol):
    """Decodes one coding. Each piece that `feed` yields, empty ones included, is at most 64 kB of work away from the
    piece before."""

    def feed(self, data: bytes) -> Iterator[bytes]: ...
    def complete(self) -> bool: ...


def _not_offered(coding: str) -> Failure:
    return Failure(f"its content has the coding {coding[:30]!r}, which was not offered", TELL_OWNER)


def _broken(coding: str) -> Failure:
    return Failure(f"its content is not the {coding} that it is labelled as", AGAIN)


class _Identity:
    """The text that was labelled gzip."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def complete(self) -> bool:
        return True


class _Inflate:
    """One zlib, raw deflate or gzip stream; `rest` is what came behind its end."""

    def __init__(self, coding: str, wbits: int) -> None:
        self._coding = coding
        self._zlib = zlib.decompressobj(wbits)
        self.rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        full = False
        while (data or full) and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error:
                raise _broken(self._coding) from None
            data = self._zlib.unconsumed_tail
            full = len(piece) == _PIECE  # there may be more without further input
            yield piece
        self.rest = self._zlib.unused_data if self._zlib.eof else b""

    def complete(self) -> bool:
        return self._zlib.eof


class _Deflate:
    """`deflate`: zlib-wrapped by the RFC, raw from many servers; the first two bytes tell (RFC 1950 §2.2)."""

    def __init__(self) -> None:
        self._head = b""
        self._inflate: _Inflate | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            data = self._head = self._head + data
            if len(data) < 2:
                return
            wrapped = data[0] & 0x8F == 0x08 and (data[0] * 256 + data[1]) % 31 == 0
            self._inflate = _Inflate("deflate", zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        yield from self._inflate.feed(data)

    def complete(self) -> bool:
        return self._inflate is not None and self._inflate.complete()


class _Gzip:
    """gzip, of one member or more (RFC 1952 §2.2)."""

    def __init__(self) -> None:
        self._head = b""
        self._member: _Inflate | _Identity | None = None
        self._members = 0
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data and not self._ended:
            if self._member is None:
                data, self._head = self._head + data, b""
                if len(data) < 2:
                    self._head = data
                    return
                self._begin(data)
            elif isinstance(self._member, _Inflate) and self._member.complete():
                self._member = None
            else:
                yield from self._member.feed(data)
                data = self._member.rest if isinstance(self._member, _Inflate) else b""

    def _begin(self, data: bytes) -> None:
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise Failure(f"its content is over {_MOST_MEMBERS:,} gzip members", NO_TRUST)
        if data.startswith(b"\x1f\x8b"):
            self._member = _Inflate("gzip", 16 + zlib.MAX_WBITS)
        elif self._members > 1:
            self._ended = True
        elif data[:1] in b"<{ \t\r\n\xef":
            self._member = _Identity()
        else:
            raise _broken("gzip")

    def complete(self) -> bool:
        return self._ended or (self._members > 0 if self._member is None else self._member.complete())


def _brotli_decompressor() -> Any:
    import brotli

    return brotli.Decompressor()


class _Brotli:
    def __init__(self) -> None:
        self._brotli = _brotli_decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        import brotli

        while True:
            try:
                piece = self._brotli.process(data, output_buffer_limit=_PIECE)
            except brotli.error:
                raise _broken("br") from None
            data = b""
            yield piece
            if not piece and self._brotli.can_accept_more_data():
                return

    def complete(self) -> bool:
        return bool(self._brotli.is_finished())


class _Zstd:
    """zstd, of one frame or more; a skippable frame or padding does not belong to the content."""

    def __init__(self) -> None:
        import zstandard

        self._errors = zstandard.ZstdError
        self._frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame = self._frames.decompressobj()
        self._ended = 0
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_STEP):
            step = data[start : start + _ZSTD_STEP]
            while step:
                if self._frame.eof:
                    self._frame = self._frames.decompressobj()
                    self._ended += 1
                    if self._ended >= _MOST_MEMBERS:
                        raise Failure(f"its content is over {_MOST_MEMBERS:,} zstd frames", NO_TRUST)
                try:
                    piece = self._frame.decompress(step)
                except self._errors:
                    raise _broken("zstd") from None
                self._begun = True
                step = self._frame.unused_data if self._frame.eof else b""
                yield piece

    def complete(self) -> bool:
        return self._begun and self._frame.eof


class _Text:
    """Content under the name of something that is not a content coding: taken as it is if it begins like text."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        if not self._begun and data[:1] not in b"<{ \t\r\n\xef":
            raise _not_offered(self._name)
        self._begun = True
        yield data

    def complete(self) -> bool:
        return True


#: https://www.iana.org/assignments/http-parameters, and sdch.
_REGISTERED = frozenset(
    {
        *("aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "zstd"),
        "sdch",
    }
)

_DECODERS: dict[str, type[Any]] = {"gzip": _Gzip, "deflate": _Deflate, "br": _Brotli, "zstd": _Zstd}
