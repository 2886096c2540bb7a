"""Benchmarks, run by hand in a checkout: `python -m tests.bench [library | poller [NAME...] | scale [NAME...]]`.

Without arguments, all of the library and the poller are run.

    library              the caching client beside bare httpx and other caches
    poller unchanged     `condget poll` where nothing has changed: 2,000 hosts, 10,000 hosts, 20 hosts
           changed       2 and 20 percent of the feeds have new entries, in documents of 30 to 100 KB
           delayed       every response 200 ms late; then some hosts never answer
           tls           2,000 hosts over TLS 1.3
           start         commands that have nothing to do
           state         the state file alone
    scale  simulation    a week of ten million due times, by the rules of the schedule
           memory        one coordinator of a million feeds
           workers       this process, processes and Dask workers, with the same feeds
           postgresql    leases and commits of a state in PostgreSQL

The poller's benchmarks need nginx and, for tls, openssl; curl is measured if it is installed. aiohttp and reader are
installed into a virtual environment in the user's cache directory. Servers listen on addresses of 127.0.0.0/8 only, one
for each host, which is possible on Linux only. The library's peers are measured if they are installed.

A figure of the poller is that of whole processes, children included (wait4): the median of some rounds, in which all
take turns, each with its state as it was before. A ratio is the median of the rounds' ratios, so that a busy machine
disturbs both alike. The server counts its responses: the figure of a run that went wrong is marked.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
