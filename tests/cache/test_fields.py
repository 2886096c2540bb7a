"""The fields of a message keep order, case, repetition and odd bytes (RFC 9110 §5)."""

from __future__ import annotations

import pickle

from condget.cache.fields import Fields

FIELDS = Fields([("ETag", '"a"'), ("Vary", "Accept"), ("X-Odd", "\xe9"), ("vary", "Cookie")])


def test_names_compare_without_case() -> None:
    assert "etag" in FIELDS
    assert FIELDS.get("ETAG") == '"a"'
    assert FIELDS.has_any(frozenset({"etag", "age"}))
    assert not FIELDS.has_any(frozenset({"age"}))


def test_repeated_lines_are_kept_and_joined_on_request() -> None:
    """G2"""
    assert (FIELDS.all("Vary"), FIELDS.get("Vary"), FIELDS.first("Vary")) == (
        ["Accept", "Cookie"],
        "Accept, Cookie",
        "Accept",
    )


def test_an_absent_field_is_none() -> None:
    assert (FIELDS.get("age"), FIELDS.first("age"), FIELDS.all("age")) == (None, None, [])


def test_a_change_makes_new_fields_in_the_old_order() -> None:
    assert FIELDS.without(["VARY"]).pairs == (("ETag", '"a"'), ("X-Odd", "\xe9"))
    assert FIELDS.replaced("vary", "*").pairs == (("ETag", '"a"'), ("X-Odd", "\xe9"), ("vary", "*"))
    assert FIELDS.plus([("Age", "1")]).pairs == (*FIELDS.pairs, ("Age", "1"))
    assert len(FIELDS) == 4


def test_fields_are_values() -> None:
    copied = pickle.loads(pickle.dumps(FIELDS))
    assert copied == FIELDS
    assert hash(copied) == hash(FIELDS)
    assert Fields() != FIELDS
    assert eval(repr(FIELDS)) == FIELDS
