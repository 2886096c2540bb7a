"""The executor of a run that the options `--processes` and `--dask` name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from condget.errors import CondgetError, UsageError

if TYPE_CHECKING:
    from condget.polling.executors import Executor
    from condget.settings import Clock

#: Seconds to wait for a Dask scheduler.
_CONNECT = 15


class Workers(NamedTuple):
    """The options; one of them is given."""

    #: How many processes of this machine.
    processes: int | None = None
    #: The address of a Dask scheduler.
    dask: str | None = None


def workers_of(processes: int | None, dask: str | None) -> Workers:
    """Return what the options say.

    Raises:
        UsageError: both are given, or the package that Dask needs is missing.
    """
    if processes is not None and dask is not None:
        raise UsageError("--processes and --dask exclude each other")
    if dask is not None and find_spec("distributed") is None:
        raise UsageError('--dask needs the package distributed; install it with: pip install "condget[dask]"')
    return Workers(processes, dask)


@contextmanager
def executor_of(workers: Workers | None, clock: Clock) -> Iterator[Executor]:
    """Yield the executor, this process where there are no workers; its workers end with the block."""
    if workers is None:
        from condget.polling.executors import InProcess

        yield InProcess(clock)
    elif workers.dask is not None:
        with _on_dask(workers.dask, clock) as executor:
            yield executor
    elif workers.processes is not None:
        from condget.polling.pooled import Pooled
        from condget.polling.processes import Processes

        pool = Processes(workers.processes)
        try:
            yield Pooled(pool, clock)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _on_dask(address: str, clock: Clock) -> Iterator[Executor]:
    import logging
    from importlib import import_module

    from condget.polling.pooled import Pooled

    distributed: Any = import_module("distributed")
    # Failures are said in a sentence, by the run.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False, name="condget")
    except (OSError, ValueError, TypeError) as error:
        cause = str(error).partition("\n")[0] or type(error).__name__
        raise CondgetError(f"the Dask scheduler at {address} cannot be reached: {cause}") from None
    try:
        try:
            client.wait_for_workers(1, timeout=_CONNECT)
        except TimeoutError:
            words = f"the Dask scheduler at {address} has no workers; start some with: dask worker {address}"
            raise CondgetError(words) from None
        threads = sum(client.nthreads().values())
        # A task that is run again may ask hosts that another worker is asking.
        yield Pooled(client.get_executor(pure=False, retries=0), clock, workers=threads)
    finally:
        client.close()
