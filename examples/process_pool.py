"""The same poll on a pool of processes, or on any other executor of `concurrent.futures`.

    python examples/process_pool.py feeds.txt

`condget poll --processes 4` does this on the command line. The workers need condget, but neither the state nor a common
disk. They are spawned, not forked, because a fork beside threads may hang.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing

import condget


def main() -> None:
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(4, mp_context=spawn) as pool,
        closing(condget.poll(sys.argv[1:], executor=pool)) as outcomes,
    ):
        for outcome in outcomes:
            for entry in outcome.entries:
                print(outcome.title, entry.title, sep="\t", flush=True)


if __name__ == "__main__":  # which spawned processes import
    main()
