"""A report as a mail."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest

from condget.errors import UsageError
from condget.feeds.values import Outcome
from condget.reports import ReportOptions, Selection, select
from condget.reports.mail import addresses_of, mail_of_run, mails_of_entries
from tests.reports.outcomes import CHANGED, GONE, MOVED, NEW

ANN = addresses_of("ann@example.org")
PLAIN = ReportOptions()
NOW = 1_700_000_000.0


def selections(*outcomes: Outcome) -> list[Selection]:
    return [selection for outcome in outcomes if (selection := select(outcome, PLAIN)) is not None]


def read(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize(
    ("outcomes", "subject"),
    [
        ([CHANGED], "Example: 2 entries"),
        ([replace(CHANGED, name="Mine"), CHANGED], "4 entries from 2 feeds"),
        ([NEW], "Example"),
        ([MOVED, GONE], "2 feeds"),
    ],
)
def test_the_subject_says_how_much_there_is(outcomes: list[Outcome], subject: str) -> None:
    assert read(mail_of_run(selections(*outcomes), PLAIN, ANN, NOW))["Subject"] == subject


def test_the_same_news_have_the_same_id() -> None:
    first, again = (read(mail_of_run(selections(CHANGED), PLAIN, ANN, now)) for now in (NOW, NOW + 60))
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Message-ID"].endswith("@example.org>")
    ids = [read(mail)["Message-ID"] for mail in mails_of_entries(selections(CHANGED), PLAIN, ANN, NOW)]
    assert len({*ids, first["Message-ID"]}) == 3


def test_lines_of_a_mail_are_short_enough_for_smtp() -> None:
    """RFC 5322 §2.1.1: at most 998 characters; whatever a feed holds is encoded."""
    long = replace(CHANGED, title="\u00e4" * 5_000, entries=(replace(CHANGED.entries[1], summary="\u00e4 x" * 3_000),))
    assert max(map(len, mail_of_run(selections(long), PLAIN, ANN, NOW).split(b"\r\n"))) <= 998


@pytest.mark.parametrize("address", ["ann", "", "@example.org", "ann@", "Ann <a@b.example>", "a@b\n", "ä@b.example"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="is not an address"):
        addresses_of(address)
    with pytest.raises(UsageError, match="is not an address"):
        addresses_of("ann@example.org", address or "x")
