"""The same poll as Celery tasks, one for each batch. The broker is a directory here; any broker of Celery will do.

    celery --workdir examples --app celery_tasks worker &
    python examples/celery_tasks.py feeds.txt

Leave `acks_late` off, as it is by default: a task of a lost worker must not run again while that worker may be polling.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

from celery import Celery

import condget
from condget.polling.tasks import poll_task

queue = Path(os.environ.get("QUEUE", "/tmp/condget-queue"))
(queue / "results").mkdir(parents=True, exist_ok=True)
app: Any = Celery("condget", broker="filesystem://", backend=f"file://{queue}/results")
app.conf.broker_transport_options = {
    "data_folder_in": str(queue),
    "data_folder_out": str(queue),
    "control_folder": str(queue / "control"),
}

#: From bytes to bytes, so that any serializer of Celery carries a batch and its results.
poll_batch = app.task(poll_task, name="condget.poll_batch")


class CeleryPool(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        result = poll_batch.delay(*args)

        def wait() -> None:
            try:
                future.set_result(result.get(timeout=900))
            except Exception as error:  # noqa: BLE001 - for the run, which says it
                future.set_exception(error)

        Thread(target=wait, daemon=True).start()
        return future


if __name__ == "__main__":
    with closing(condget.poll(sys.argv[1:], executor=CeleryPool(), workers=4)) as outcomes:
        for outcome in outcomes:
            for entry in outcome.entries:
                print(outcome.title, entry.title, sep="\t", flush=True)
