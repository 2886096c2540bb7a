"""The same poll on a Dask cluster.

    dask scheduler &
    dask worker tcp://localhost:8786 &
    python examples/dask_cluster.py tcp://localhost:8786 feeds.txt

`condget poll --dask tcp://localhost:8786` does this on the command line. The workers need condget installed, but
neither the state nor a common disk; the scheduler needs neither. The passwords of feeds pass through the scheduler, so
give a cluster that others can reach TLS.
"""

import sys
from contextlib import closing
from typing import Any

import distributed

import condget


def main(address: str, *feeds: str) -> None:
    connect: Any = distributed.Client
    with connect(address) as client:
        # Without retries: the scheduler cannot know whether a worker that it lost is still polling.
        pool = client.get_executor(pure=False, retries=0)
        threads = sum(client.nthreads().values())
        with closing(condget.poll(feeds, executor=pool, workers=threads)) as outcomes:
            for outcome in outcomes:
                for entry in outcome.entries:
                    print(outcome.title, entry.title, sep="\t", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
