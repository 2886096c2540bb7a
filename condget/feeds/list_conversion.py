"""Lists of feeds from OPML to text and back. Pure.

Folders become headings: `## Tech` for a folder, `### Python` for a folder in it, and `##` alone ends them all. Names
and options stay. A reader's outlines that are not HTTP become comments, and disabled ones are paused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from condget.errors import SubscriptionError
from condget.feeds.feed_options import is_option
from condget.feeds.feed_urls import foreign_scheme
from condget.feeds.list_editing import attribute
from condget.feeds.opml import Outline, read_outlines
from condget.feeds.subscriptions import list_text, option_words

_HEADING = re.compile(r"(#{2,21})(?:[ \t]+(.*))?")


def text_of_opml(data: bytes, source: str) -> str:
    """Return OPML as a list of text.

    Raises:
        SubscriptionError: it is not OPML.
    """
    lines: list[str] = []
    folders: tuple[str, ...] = ()
    for outline in read_outlines(list_text(data), source).found:
        if outline.folders != folders:
            lines += [*([""] if lines else []), *_headings(folders, outline.folders)]
            folders = outline.folders
        lines.append(_line(outline))
    return "".join(f"{line}\n" for line in lines)


def _headings(before: tuple[str, ...], now: tuple[str, ...]) -> Iterator[str]:
    """Yield the headings that lead from one folder to another; the last of them says where its feeds stand."""
    same = 0
    while same < min(len(before), len(now)) and before[same] == now[same]:
        same += 1
    # Back in an outer folder, its own heading says so again.
    for depth in range(min(same, max(len(now) - 1, 0)), len(now)):
        yield f"{'#' * (depth + 2)} {now[depth]}"
    if not now:
        yield "##"


def _line(outline: Outline) -> str:
    url = re.sub(r"\s", "%20", outline.attributes["xmlurl"].strip())
    name = "" if outline.label == url else outline.label
    pairs = [("name", name)] if name else []
    for attribute_name, value in outline.attributes.items():
        prefix, _, option = attribute_name.rpartition(":")
        if (prefix == "condget" or not prefix) and is_option(option) and not (option == "name" and not prefix):
            values = value.splitlines() if option == "header" else [value]
            pairs += [(option, one.strip()) for one in values]
    if outline.attributes.get("disabled", "").lower() == "true" and "pause" not in dict(pairs):
        pairs.append(("pause", "yes"))
    line = " ".join([url, *(f"{key}={_quoted(value)}" for key, value in dict(pairs).items() if key != "header")])
    line += "".join(f" header={_quoted(value)}" for key, value in pairs if key == "header")
    return f"# not polled, since it is not HTTP: {line}" if foreign_scheme(url) else line


def _quoted(value: str) -> str:
    value = "".join(c for c in " ".join(value.split()) if c.isprintable())
    if re.fullmatch(r"[\w.:/@+-]+", value, re.ASCII):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(slots=True)
class _Folder:
    feeds: list[Mapping[str, str]] = field(default_factory=list)
    folders: dict[str, _Folder] = field(default_factory=dict)


def opml_of_text(data: bytes, source: str, titles: Mapping[str, str]) -> str:
    """Return a list of text as OPML; a feed without a name is called by its title, else by its URL.

    Args:
        data: the list.
        source: names it in errors.
        titles: the titles of feeds, by their URL as it stands in the list.

    Raises:
        SubscriptionError: a line has options that cannot be read; the text gives its number.
    """
    root = _Folder()
    path: tuple[str, ...] = ()
    for number, line in enumerate(re.split(r"\r\n|\n|\r", list_text(data)), 1):
        text = line.strip(" \t\ufeff").replace("\t", " ")
        if heading := _HEADING.fullmatch(text):
            title = (heading[2] or "").strip()
            path = (*path[: len(heading[1]) - 2], title) if title else ()
        elif text and text[0] != "#":
            url, _, rest = text.partition(" ")
            try:
                attributes = _attributes(url, list(option_words(rest)), titles)
            except ValueError as error:
                raise SubscriptionError(f"{source}:{number}: {error}") from None
            folder = root
            for name in path:
                folder = folder.folders.setdefault(name, _Folder())
            folder.feeds.append(attributes)
    outlines = "".join(f"    {line}\n" for line in _outlines(root))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n  <head><title>Feeds</title></head>\n'
        f"  <body>\n{outlines}  </body>\n</opml>\n"
    )


def _attributes(url: str, options: list[tuple[str, str]], titles: Mapping[str, str]) -> Mapping[str, str]:
    headers = [value for key, value in options if key == "header"]
    values = {key: value for key, value in options if key != "header"}
    name = values.pop("name", None) or titles.get(url) or url
    fields = {"type": "rss", "text": " ".join(name.split()), "xmlUrl": url, **values}
    return fields | ({"header": "\n".join(headers)} if headers else {})


def _outlines(folder: _Folder) -> Iterator[str]:
    for feed in folder.feeds:
        attributes = " ".join(f'{name}="{attribute(value)}"' for name, value in feed.items())
        yield f"<outline {attributes}/>"
    for name, inner in folder.folders.items():
        yield f'<outline text="{attribute(name)}">'
        yield from (f"  {line}" for line in _outlines(inner))
        yield "</outline>"
