"""Abilities that a store may have besides those of `Store`: leases between machines, and being looked into.

A store whose calls wait for a network has an attribute `is_remote` that is true: async transports call it in threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from condget.cache.messages import StoredResponse
from condget.stores.protocols import Store


@runtime_checkable
class Leases(Protocol):
    """A store that is shared by machines may keep leases: one requests a target, and the others wait for its response.

    Each of these methods may raise `StoreError`; nobody waits then.
    """

    def lease(self, name: str, seconds: float) -> str | None:
        """Take a lease that ends by itself, and return its token; None: somebody else has it."""

    def is_leased(self, name: str) -> bool:
        """Whether anybody has that lease."""

    def prolong(self, name: str, token: str, seconds: float) -> None:
        """Let a lease end in so many seconds from now, unless it is somebody else's by now."""

    def release(self, name: str, token: str) -> None:
        """Give a lease back, unless it is somebody else's by now."""


@runtime_checkable
class ManagedStore(Store, Protocol):
    """A store that can be looked into and cleared up, as `condget cache` does."""

    def responses(self, *, url: str | None = None, host: str | None = None) -> Iterator[StoredResponse]:
        """Return the heads of all stored responses, or those of a URL or a host, in an order that stays."""

    def clear(self) -> int:
        """Delete all stored responses, and return how many they were."""

    def prune(self) -> int:
        """Delete what is expired and cannot be validated, and return how many they were."""

    def stats(self) -> StoreStats:
        """Return how much is stored."""

    def verify(self) -> list[str]:
        """Read every stored content and return what is wrong, a sentence each."""


@dataclass(frozen=True, slots=True)
class StoreStats:
    """How much a store holds. Sizes are in bytes, instants in POSIX seconds."""

    #: A path, or a URL without its secrets.
    location: str
    responses: int
    hosts: int
    size: int
    max_size: int
    oldest: float | None
    newest: float | None
    #: Bytes that a file takes on disk.
    file_size: int | None = None
