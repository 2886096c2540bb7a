"""Benchmarks, run by hand in a checkout: `python -m tests.bench` measures all, `python -m tests.bench NAME...` some.

    library     the caching client beside bare httpx and other caches (its options stand in run.py)
    unchanged   `condget poll` where nothing has changed: 2,000 hosts, 10,000 hosts, 20 hosts
    changed     2 and 20 percent of the feeds have new entries, in documents of 30 to 100 KB
    delayed     every answer 200 ms late; then some hosts never answer
    tls         2,000 hosts over TLS 1.3
    start       commands that have nothing to do
    state       the state file alone

`--hosts`, `--many`, `--rounds` and `--state-feeds` set the sizes. Needs nginx and, for tls, openssl; curl is measured
if it is there. aiohttp and reader are installed into a virtual environment under the user's cache directory.
Servers listen on addresses of 127.0.0.0/8 only, a host each, which is loopback on Linux alone.

A figure is that of whole processes, children included (wait4): the median of some rounds, in which all take turns,
each with its state as it was before. A ratio is the median of the rounds' ratios, so that a busy machine disturbs
both alike. Answers are counted by the server: a figure whose run went wrong is marked.
"""
