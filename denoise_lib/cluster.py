"""The same sweep over a Dask cluster: a network is a task, and its file comes back whole.

A worker trains into its own cache and sends the bytes of the file; the client
checks them and writes them. So client and workers need not share a file
system, and no half-finished copy can be taken for a network: a file is a
megabyte or two. Where workers do share a cache, a network whose worker died
goes on elsewhere from its checkpoint; where not, it begins again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch

from denoise_lib.errors import DenoiseLibError, ParameterError
from denoise_lib.plan import TrainingPlan
from denoise_lib.training import Progress
from denoise_lib.zoo import keep, obtain, user_dir

try:
    import dask
    from dask_jobqueue import SLURMCluster
    from distributed import Client, Future, get_worker
except ImportError as error:
    raise DenoiseLibError(
        f"a cluster needs Dask ({error}): pip install 'denoise-lib[cluster]'"
    ) from error

SLURM = "slurm"
TOPIC = "denoise-lib-training"
ANSWER_SECONDS = 20
MEMORY_A_CORE = "2GB"

# Two trainings in one process would draw their first weights from one source of random numbers.
_one_at_a_time = threading.Lock()


class _NoLongerWantedError(Exception):
    """The client has cancelled this training, or is gone."""


@contextmanager
def connected(scheduler: str, workers: int) -> Iterator[Client]:
    """Connect to a Dask scheduler, or start one whose workers are SLURM jobs.

    Parameters
    ----------
    scheduler : str
        An address such as ``tcp://host:8786``, or ``"slurm"``.
    workers : int
        With SLURM, the most workers at a time. A job that ends before its work
        does, as at the end of its walltime, is replaced.

    Yields
    ------
    Client

    Raises
    ------
    ParameterError
        If no scheduler answers, or its workers run several threads.
    """
    if scheduler == SLURM:
        with slurm_cluster() as cluster, Client(cluster) as client:
            # by default Dask takes a new task for half a second's work, not worth a worker
            cluster.adapt(minimum=0, maximum=workers, target_duration="1ms")
            yield client
        return
    try:
        client = Client(scheduler, timeout=ANSWER_SECONDS)
    except (OSError, ValueError) as error:
        raise ParameterError(
            "scheduler", scheduler, f"no Dask scheduler answers there ({error}): start one first"
        ) from error
    with client:
        if any(threads > 1 for threads in client.nthreads().values()):
            raise ParameterError(
                "scheduler",
                scheduler,
                "its workers run several threads, a training one: start them with --nthreads 1",
            )
        yield client


def slurm_cluster() -> SLURMCluster:
    """Return a Dask cluster of SLURM jobs, none yet submitted.

    What a job asks for stands in Dask's own file, ``~/.config/dask/jobqueue.yaml``,
    under ``jobqueue: slurm:`` (``cores``, ``memory``, ``queue``, ``account``,
    ``walltime``, ``job-extra-directives`` ...), or in variables such as
    ``DASK_JOBQUEUE__SLURM__WALLTIME=02:00:00``. Nothing given means one core.
    Each worker trains in one thread, and there is one for each core unless
    ``processes`` says otherwise (with a GPU, ``processes: 1``).
    """
    given = dask.config.get("jobqueue.slurm")
    cores = given["cores"] or 1
    memory = dask.utils.parse_bytes(MEMORY_A_CORE) * cores
    return SLURMCluster(
        cores=cores,
        processes=given["processes"] or cores,
        memory=given["memory"] or dask.utils.format_bytes(memory),
        worker_extra_args=[*given["worker-extra-args"], "--nthreads", "1"],
    )


def train_on_cluster(
    plans: Sequence[TrainingPlan],
    folder: Path,
    client: Client,
    *,
    on_progress: Callable[[TrainingPlan, Progress], None],
    on_end: Callable[[TrainingPlan, str | None], None],
) -> None:
    """Train networks on the workers of a Dask cluster and write them into a folder here.

    A network whose worker dies is trained by another one. One that has arrived
    is never trained again; one that is asked for twice at a time is trained once.

    Parameters
    ----------
    plans : sequence of TrainingPlan
    folder : Path
        `denoise_lib.zoo.zoo_dir` or `denoise_lib.zoo.user_dir` of this machine.
    client : distributed.Client
    on_progress, on_end : callable
        As for `denoise_lib.sweep.train_all`.
    """
    said: SimpleQueue[Any] = SimpleQueue()
    client.subscribe_topic(TOPIC, lambda event: said.put(event[1]))
    # keys by hash: what two clients ask for at a time is one task
    named = {f"train-{plan.hash}": plan for plan in plans}
    futures = client.map(_train_here, list(named.values()), key=list(named))
    waiting = dict(zip(named, futures, strict=True))
    del futures  # the last reference to a future that is taken off the list must be gone
    for future in waiting.values():
        future.add_done_callback(said.put)
    try:
        while waiting:
            news = said.get()
            if isinstance(news, Future):
                key = str(news.key)
                problem = _outcome(named[key], news, folder)
                # Dask would train it again if the worker that still holds its file were lost
                waiting.pop(key).release()
                on_end(named[key], problem)
            elif news["key"] in waiting:  # else it is another client's
                on_progress(named[news["key"]], Progress(**news["progress"]))
    finally:
        client.unsubscribe_topic(TOPIC)
        client.cancel(list(waiting.values()))


def _outcome(plan: TrainingPlan, future: Future, folder: Path) -> str | None:
    """Write the file that a task brought; return what went wrong, or None."""
    try:
        answer = future.result()
        if isinstance(answer, str):
            return answer
        keep(plan, answer, folder)
    except DenoiseLibError as error:
        return str(error)
    except Exception as error:  # whatever happened on another machine, the other networks go on
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return None


def _train_here(plan: TrainingPlan) -> bytes | str:
    """Train a network in a worker; return its file, or what went wrong."""
    worker = get_worker()
    key = worker.get_current_task()
    torch.set_num_threads(1)

    def tell(now: Progress) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise _NoLongerWantedError
        worker.log_event(TOPIC, {"key": key, "progress": asdict(now)})

    try:
        with _one_at_a_time:
            return obtain(plan, user_dir(), on_progress=tell).read_bytes()
    except DenoiseLibError as error:  # as text: not every error can be sent
        return str(error)
