"""Where a run computes: device, seed, and the processes that train together."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ppocr.config import GlobalOptions
from ppocr.errors import ConfigError
from ppocr.utils.malloc import keep_freed_memory
from ppocr.utils.mkl import choose_kernels_of_mkl

if TYPE_CHECKING:
    import paddle


@dataclass(frozen=True)
class Environment:
    """This process among those that train together.

    Attributes:
        device: `cpu` or `gpu:0`.
        rank: number of this process; 0 writes files.
        world_size: how many there are.
        seed: of the run.
    """

    device: str
    rank: int
    world_size: int
    seed: int

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def seed_step(self, step: int) -> None:
        """Give Paddle's generator (dropout) the state of a step, so that a resumed run draws what this one would."""
        import paddle

        sequence = np.random.SeedSequence([self.seed, step, self.rank])
        paddle.seed(int(sequence.generate_state(1)[0]))

    def sum(self, counts: np.ndarray) -> np.ndarray:
        """float64[k] added up over all processes."""
        if self.world_size == 1:
            return counts
        import paddle

        total = paddle.to_tensor(counts)
        paddle.distributed.all_reduce(total)
        return total.numpy()

    def share_statistics(self, model: paddle.nn.Layer) -> None:
        """Give all processes the first one's running means and variances, which each gathers from its own batches."""
        if self.world_size == 1:
            return
        import paddle

        for layer in model.sublayers():
            if hasattr(layer, "_mean"):
                paddle.distributed.broadcast(layer._mean, src=0)
                paddle.distributed.broadcast(layer._variance, src=0)


def prepare(options: GlobalOptions) -> Environment:
    """Choose the device, seed Paddle, and join the processes that `paddle.distributed.launch` started.

    Raises:
        ConfigError: `Global.use_gpu` without a GPU that Paddle can use.
    """
    import paddle

    world_size = int(os.environ.get("PADDLE_TRAINERS_NUM", "1"))
    rank = int(os.environ.get("PADDLE_TRAINER_ID", "0"))
    if options.use_gpu and not (paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count()):
        raise ConfigError([
            "Global.use_gpu: this Paddle has no GPU to use; install paddlepaddle-gpu or set Global.use_gpu=false"
        ])  # fmt: skip
    number = os.environ.get("FLAGS_selected_gpus", "0").split(",")[0]  # noqa: SIM112 - Paddle's own name
    device = f"gpu:{number}" if options.use_gpu else "cpu"
    if device == "cpu":
        choose_kernels_of_mkl()
        keep_freed_memory()
    paddle.device.set_device(device)
    paddle.seed(options.seed)  # equal initial weights in all processes
    if world_size > 1:
        paddle.distributed.init_parallel_env()
    return Environment(device, rank, world_size, options.seed)
