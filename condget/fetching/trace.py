"""The trace of an exchange for its user: the fields of each hop, without secrets."""

from __future__ import annotations

from collections.abc import Sequence

from condget.cache.messages import Hop
from condget.fetching.failures import redacted
from condget.fetching.request import FetchRequest
from condget.fetching.response_head import Head, RawFields
from condget.fetching.targets import Target
from condget.field_names import SECRET

__all__ = ["Hop", "hop_of"]


def hop_of(request: FetchRequest, target: Target, sent: RawFields, head: Head, secrets: Sequence[str]) -> Hop:
    """Return a request and its response; values of secret and of configured fields are left out (F12)."""
    configured = {name.lower() for name, _ in request.fields}

    def shown(name: str, value: str) -> tuple[str, str]:
        is_secret = name.lower() in SECRET or name.lower() in configured
        return name, "***" if is_secret else redacted(value, secrets)

    return Hop(
        redacted(target.url, secrets),
        tuple(shown(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent),
        head.status,
        tuple(shown(name, value) for name, value in head.fields),
    )
