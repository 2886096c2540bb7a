"""Whether a feed still is alive, by what is remembered of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from condget.feeds.durations import instant
from condget.feeds.values import FeedState


@dataclass(frozen=True, slots=True)
class Ailment:
    """Why a feed may as well be taken off the list."""

    kind: Literal["gone", "failing", "silent"]
    words: str


def ailment(state: FeedState, *, silent_for: float, now: float) -> Ailment | None:
    """Return what is wrong with a feed, None if nothing is.

    Args:
        state: what is remembered of the feed.
        silent_for: a feed without news for so many seconds is silent.
        now: the present instant.
    """
    if state.gone:
        return Ailment("gone", state.reason)
    if state.failures:
        times = "once" if state.failures == 1 else f"{state.failures} times in a row"
        error = (state.error or "no response").removeprefix(f"{state.url.partition('#user=')[0]}: ")
        return Ailment("failing", f"failed {times}: {error}")
    last_news = state.last_changed
    if last_news is not None and now - last_news >= silent_for:
        return Ailment("silent", f"no news since {instant(last_news, 0)}")
    return None
