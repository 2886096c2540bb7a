"""Entity tags and the evaluation of preconditions (RFC 9110 §8.8.3, §13.1, §13.2)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from condget.cache.dates import format_date
from condget.cache.fields import Fields
from condget.cache.preconditions import evaluate, make_etag
from condget.cache.validators import parse_etag_list

BEFORE = "Sun, 05 Nov 1994 08:49:37 GMT"
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
AFTER = "Sun, 07 Nov 1994 08:49:37 GMT"

# --- make_etag


def test_the_same_content_has_the_same_tag_and_other_content_another() -> None:
    assert make_etag(b"a") == make_etag("a") != make_etag("b")
    assert make_etag("é") == make_etag("é".encode())


def test_a_weak_tag_says_so() -> None:
    assert make_etag("a", weak=True) == f"W/{make_etag('a')}"


@given(st.binary())
def test_a_tag_is_well_formed_and_the_only_member_of_a_list(content: bytes) -> None:
    tag = make_etag(content)
    assert tag[0] == tag[-1] == '"'
    assert all(character == "\x21" or "\x23" <= character <= "\x7e" for character in tag[1:-1])
    assert parse_etag_list(tag) == [tag]


# --- If-None-Match (§13.1.2): weak comparison

A, B, WEAK_A = '"a"', '"b"', 'W/"a"'


@pytest.mark.parametrize(
    ("field", "etag", "matches"),
    [
        (A, A, True),
        (B, A, False),
        (WEAK_A, A, True),
        (A, WEAK_A, True),
        (WEAK_A, WEAK_A, True),
        ('"b", "a"', A, True),
        ('"b","a"', A, True),
        ('"b" ,\t"a" ', A, True),
        (', "b", , "a",', A, True),
        ('"b", "c"', A, False),
        ('"A"', A, False),
        ('""', '""', True),
        ('"a,b"', '"a,b"', True),
        ('"c", "a, b"', '"a, b"', True),
        ('"a, b"', A, False),
        ("*", A, True),
        (" * ", A, True),
        ('"*"', A, False),
        ("", A, False),
        (A, None, False),
        # Malformed tags are opaque, so each matches itself (A3).
        ("U4q478bDKLqZ8UMMC8A5afZuHug", "U4q478bDKLqZ8UMMC8A5afZuHug", True),
        ("4775245bd90ebbda2a81ccdd84da72b3", "75e7b6f64078bb53b7aaab5c457de56f", False),
        ('"x", 75e7b6f64078bb53b7aaab5c457de56f', "75e7b6f64078bb53b7aaab5c457de56f", True),
        ('""947e30c936""', '""947e30c936""', True),
        ('""947e30c936""', '"947e30c936"', False),
        ("with space", "with space", True),
        ("with, comma", "with, comma", True),
        ('"\xe9"', '"\xe9"', True),
        ('"a", "b"', '"a", "b"', True),  # two ETag lines came, the list of both went back (A6)
    ],
)
def test_if_none_match_compares_weakly_and_opaquely(field: str, etag: str | None, matches: bool) -> None:
    assert evaluate("GET", {"If-None-Match": field}, etag, DATE) == (304 if matches else 200)
    assert evaluate("HEAD", {"If-None-Match": field}, etag, DATE) == (304 if matches else 200)
    assert evaluate("PUT", {"If-None-Match": field}, etag, DATE) == (412 if matches else 200)


# --- If-Match (§13.1.1): strong comparison


@pytest.mark.parametrize(
    ("field", "etag", "status"),
    [
        (A, A, 200),
        (B, A, 412),
        (WEAK_A, A, 412),
        (A, WEAK_A, 412),
        (WEAK_A, WEAK_A, 412),
        ('"b", "a"', A, 200),
        ("*", A, 200),
        ("*", WEAK_A, 200),
        (A, None, 412),
        ("", A, 412),
        ("unquoted", "unquoted", 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_if_match_compares_strongly(method: str, field: str, etag: str | None, status: int) -> None:
    assert evaluate(method, {"If-Match": field}, etag, DATE) == status


# --- dates (§13.1.3, §13.1.4)


@pytest.mark.parametrize(
    ("field", "last_modified", "status"),
    [
        (BEFORE, DATE, 200),
        (DATE, DATE, 304),
        (AFTER, DATE, 304),
        (DATE, 784111777, 304),
        (DATE, 784111777.9, 304),  # sent as a whole second, compared as one
        (DATE, 784111778, 200),
        ("Sunday, 06-Nov-94 08:49:37 GMT", DATE, 304),
        ("Sun Nov  6 08:49:37 1994", DATE, 304),
        ("yesterday", DATE, 200),
        ("yesterday", "yesterday", 200),
        ("", DATE, 200),
        ("Sun, 06 Nov 1994 08:49:37 +0000", DATE, 200),
        (DATE, "junk", 200),
        (DATE, None, 200),
    ],
)
def test_if_modified_since_is_for_get_and_head_and_ignored_unless_a_date(
    field: str, last_modified: str | float | None, status: int
) -> None:
    fields = {"If-Modified-Since": field}
    assert evaluate("GET", fields, None, last_modified) == status
    assert evaluate("HEAD", fields, None, last_modified) == status
    assert evaluate("POST", fields, None, last_modified) == 200


@pytest.mark.parametrize(
    ("field", "last_modified", "status"),
    [
        (BEFORE, DATE, 412),
        (DATE, DATE, 200),
        (AFTER, DATE, 200),
        (DATE, 784111777.9, 200),
        ("yesterday", DATE, 200),
        (BEFORE, "junk", 200),
        (BEFORE, None, 200),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_if_unmodified_since_is_ignored_unless_a_date(
    method: str, field: str, last_modified: str | float | None, status: int
) -> None:
    assert evaluate(method, {"If-Unmodified-Since": field}, None, last_modified) == status


def test_a_repeated_date_is_no_date() -> None:
    assert evaluate("GET", [("If-Modified-Since", DATE), ("If-Modified-Since", AFTER)], None, DATE) == 200


# --- precedence (§13.2.2)


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", {}, 200),
        ("PUT", {}, 200),
        # step 1 goes before step 2
        ("PUT", {"If-Match": A, "If-Unmodified-Since": BEFORE}, 200),
        ("PUT", {"If-Match": B, "If-Unmodified-Since": AFTER}, 412),
        # steps 1 and 2 go before 3 and 4
        ("GET", {"If-Match": B, "If-None-Match": A}, 412),
        ("GET", {"If-Match": A, "If-None-Match": A}, 304),
        ("PUT", {"If-Match": A, "If-None-Match": A}, 412),
        ("GET", {"If-Match": A, "If-None-Match": B}, 200),
        ("GET", {"If-Unmodified-Since": BEFORE, "If-None-Match": A}, 412),
        ("GET", {"If-Unmodified-Since": DATE, "If-Modified-Since": DATE}, 304),
        ("GET", {"If-Unmodified-Since": "junk", "If-None-Match": A}, 304),
        ("GET", {"If-Match": A, "If-Modified-Since": DATE}, 304),
        # step 3 goes before step 4
        ("GET", {"If-None-Match": B, "If-Modified-Since": AFTER}, 200),
        ("GET", {"If-None-Match": A, "If-Modified-Since": BEFORE}, 304),
        ("GET", {"If-None-Match": "", "If-Modified-Since": AFTER}, 200),
        # methods that select no representation
        ("OPTIONS", {"If-Match": B}, 200),
        ("TRACE", {"If-None-Match": A}, 200),
    ],
)
def test_preconditions_are_evaluated_in_order(method: str, fields: dict[str, str], status: int) -> None:
    assert evaluate(method, fields, A, DATE) == status


def test_a_star_matches_what_exists_and_nothing_else() -> None:
    assert evaluate("PUT", {"If-None-Match": "*"}, None, None) == 200
    assert evaluate("PUT", {"If-Match": "*"}, None, None) == 412
    assert evaluate("PUT", {"If-None-Match": "*"}, None, DATE) == 412
    assert evaluate("PUT", {"If-Match": "*"}, None, DATE) == 200


def test_fields_come_in_any_shape_and_any_case_and_several_lines() -> None:
    pairs = [("if-none-match", B), ("IF-NONE-MATCH", A)]
    assert evaluate("GET", pairs, A, None) == 304
    assert evaluate("GET", iter(pairs), A, None) == 304
    assert evaluate("GET", Fields(pairs), A, None) == 304
    assert evaluate("GET", {"if-none-match": A}, A, None) == 304


# --- properties

etag_characters = st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f')
entity_tag = st.builds(
    lambda weak, text: f'{"W/" * weak}"{text}"', st.booleans(), st.text(etag_characters, max_size=12)
)
separator = st.sampled_from([",", ", ", " , ", "\t,", ",,", ", ,"])


@given(st.lists(entity_tag, max_size=6), st.lists(separator, min_size=6, max_size=6))
def test_a_list_gives_back_its_members(tags: list[str], separators: list[str]) -> None:
    text = "".join(tag + separator for tag, separator in zip(tags, separators, strict=False))
    assert parse_etag_list(text) == tags


@given(st.lists(entity_tag, min_size=1, max_size=6), entity_tag)
def test_membership_decides_and_strong_is_never_laxer_than_weak(tags: list[str], etag: str) -> None:
    field = ", ".join(tags)
    weakly = etag.removeprefix("W/") in [tag.removeprefix("W/") for tag in tags]
    strongly = etag in tags and etag[0] == '"'
    assert evaluate("GET", {"If-None-Match": field}, etag, None) == (304 if weakly else 200)
    assert evaluate("GET", {"If-Match": field}, etag, None) == (200 if strongly else 412)


@given(st.text(st.characters(max_codepoint=0xFF), min_size=1).filter(lambda text: text == text.strip(" \t")))
def test_any_validator_whatever_matches_itself_and_nothing_raises(etag: str) -> None:
    assert evaluate("GET", {"If-None-Match": etag}, etag, etag) == 304
    assert evaluate("GET", {"If-Modified-Since": etag}, None, etag) in (200, 304)


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_a_date_that_was_sent_decides_like_its_instant(since: int, modified: int) -> None:
    status = evaluate("GET", {"If-Modified-Since": format_date(since)}, None, modified)
    assert status == (200 if modified > since else 304)


def test_last_modified_may_be_a_datetime() -> None:
    modified = datetime(2001, 9, 9, 1, 46, 40, 700_000, tzinfo=UTC)
    fields = {"If-Modified-Since": "Sun, 09 Sep 2001 01:46:40 GMT"}
    assert evaluate("GET", fields, None, modified) == 304
    with pytest.raises(ValueError, match="time zone"):
        evaluate("GET", fields, None, modified.replace(tzinfo=None))


def test_a_tag_is_made_of_bytes_or_text() -> None:
    with pytest.raises(TypeError, match="not dict"):
        make_etag({})  # type: ignore[arg-type]
