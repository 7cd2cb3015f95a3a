"""A job by actors on a Ray cluster."""

from __future__ import annotations

import logging
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

from ppocr.batch.inputs import Shard
from ppocr.batch.job import Finished, Job, read_shard
from ppocr.errors import MissingExtraError, PPOCRError

LOCAL = "local"
LOOK_SECONDS = 10.0  # seconds to wait for a shard, so that Ctrl-C is heard
MAX_FAILURES = 3  # for each actor, without a finished shard between them

logger = logging.getLogger(__name__)


def run_on_ray(job: Job, shards: Sequence[Shard], address: str, count: Optional[int]) -> Iterator[Finished]:
    """Read shards by actors, a core each; those that die with their node start anew on another one.

    Args:
        job: what is read; its folder must be the same on all nodes.
        shards: of it.
        address: of the cluster; "local" starts one on this machine.
        count: of actors; None for a core each, but one that is left to Ray.

    Raises:
        MissingExtraError: Ray is not installed.
        PPOCRError: the cluster cannot be reached, the models not be loaded, or the results not be written.
    """
    ray = _connect(address, count)
    try:
        yield from _run(ray, job, shards, count)
    finally:
        ray.shutdown()


def _connect(address: str, count: Optional[int]) -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("--ray", "ray") from error
    settings: Dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        settings.update(include_dashboard=False, _node_ip_address="127.0.0.1")
        if count:
            settings["num_cpus"] = count + 1
    try:
        ray.init(**settings)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise PPOCRError(f"--ray {address}: cannot be reached: {error}") from error
    return ray


def _run(ray: Any, job: Job, shards: Sequence[Shard], count: Optional[int]) -> Iterator[Finished]:
    cores = int(ray.cluster_resources().get("CPU", 1))
    # An actor that died with its node is started again, and what it had in hand read again. A file that kills its
    # reader each time is given up by `read_shard`, so that trying for ever ends.
    actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Reader)
    actors = [actor.remote(job.output, job.settings) for _ in range(min(count or max(1, cores - 1), len(shards)))]
    waiting: List[Shard] = list(reversed(shards))
    running: Dict[Any, Tuple[Any, Shard]] = {}
    failures = 0  # since a shard was finished
    for reader in actors:
        shard = waiting.pop()
        running[reader.read.remote(shard)] = (reader, shard)
    while running:
        done, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_SECONDS)
        for reference in done:
            reader, shard = running.pop(reference)
            try:
                finished = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise PPOCRError(f"shard {shard.number}: {error.cause}") from error
            except ray.exceptions.RayError as error:  # of the cluster, after its own attempts
                failures += 1
                if failures > MAX_FAILURES * len(actors):
                    raise PPOCRError(f"the actors of the cluster fail one after another: {error}") from error
                logger.warning("shard %d is given out again: %s", shard.number, error)
                reader = actor.remote(job.output, job.settings)
                waiting.append(shard)
            else:
                failures = 0
                yield finished
            if waiting:
                shard = waiting.pop()
                running[reader.read.remote(shard)] = (reader, shard)


class _Reader:
    """An actor: loads the models once, then reads shards."""

    def __init__(self, output: Any, settings: Any):
        from ppocr.batch.reader import PageReader

        self._output, self._reader = output, PageReader(settings.options, settings.reading)

    def read(self, shard: Shard) -> Finished:
        return read_shard(self._output, shard, self._reader.rows)
