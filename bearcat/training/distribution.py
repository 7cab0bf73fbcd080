"""Data-parallel training of several replicas with TensorFlow's distribution strategies. Imports TensorFlow late."""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from bearcat.core.devices import Device, split_cpu
from bearcat.core.errors import DataError, SettingsError, WorkerLostError
from bearcat.core.settings_file import AUTO
from bearcat.training.cluster import ALONE, MIRRORED, MULTI_WORKER, SINGLE, Worker

CPU_REPLICAS = 2  # that 'mirrored' makes on a machine without a GPU, for trying it out


@dataclass(frozen=True)
class Replicas:
    """The replicas of a network that train together, on this worker and on the others.

    Args:
        worker: This process.
        strategy: The `tf.distribute.Strategy`; None for a single replica.
    """

    worker: Worker = ALONE
    strategy: Any = None

    @property
    def count(self) -> int:
        """The number of replicas on all workers."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def local_count(self) -> int:
        """The number of replicas on this worker."""
        return self.count // self.worker.count

    @property
    def local_indices(self) -> range:
        """The indices of this worker's replicas among all replicas."""
        return range(self.worker.number * self.local_count, (self.worker.number + 1) * self.local_count)

    @property
    def description(self) -> str:
        """Who trains together, for a log line; '' for a single replica."""
        if self.strategy is None:
            return ""
        if self.worker.count == 1:
            return f"{self.count} replicas ({MIRRORED})"
        return f"{self.count} replicas ({MULTI_WORKER}, this is worker {self.worker.number} of {self.worker.count})"

    def shard_size(self, count: int) -> int:
        """Returns the number of images that each replica gets of `count`.

        Raises:
            DataError: There are fewer images than replicas.
        """
        if count < self.count:
            raise DataError(f"{count} images are too few for {self.count} replicas: each replica needs at least one")
        return count // self.count

    def validation_steps(self, count: int, batch_size: int) -> int | None:
        """Returns the number of steps in which all replicas validate their shards; None if the data set ends itself."""
        return -(-self.shard_size(count) // batch_size) if self.strategy else None

    def scope(self) -> AbstractContextManager:
        """Returns the context in which a model is built or loaded."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def distribute(self, batches):
        """Returns a data set for `fit` that hands the batches to this worker's replicas in turn."""
        return self.strategy.distribute_datasets_from_function(lambda _: batches) if self.strategy else batches

    def prepare(self, model, batches) -> None:
        """Sets up gradient clipping for a new or loaded model and, with several workers, patches its `fit`.

        Each replica clips its own gradient, of a loss divided by the global batch size, before the gradients are
        summed. So its clip norm is CLIP_NORM / number of replicas.

        Args:
            model: The compiled Keras model.
            batches: The training batches; one of them is taken for the patch.
        """
        from bearcat.networks.optimizers import CLIP_NORM, inner_optimizer

        inner_optimizer(model).clipnorm = CLIP_NORM / self.count
        if self.worker.count > 1:
            from bearcat.training.multi_worker import MultiWorkerFit

            MultiWorkerFit(self.strategy).patch(model, next(iter(batches)))

    def sync_batch_norm(self, model) -> Callable[[], object]:
        """Returns a function that averages the moving statistics of batch normalisation over all replicas.

        Each replica updates them from its own images. Moving averages are linear in their updates, so that averaging
        them now and then gives what averaging in every step would, without a synchronisation per step.
        """
        if self.strategy is None:
            return lambda: None
        import tensorflow as tf

        statistics = [one.value for one in model.non_trainable_variables if one.dtype.startswith("float")]

        def average() -> None:
            replica = tf.distribute.get_replica_context()
            for variable in statistics:
                variable.assign(replica.all_reduce("MEAN", variable.read_value()))

        return tf.function(lambda: self.strategy.run(average))

    def all_gather(self, value: float) -> list[float]:
        """Returns the values of all workers, in their order. Every worker must call it at the same point."""
        if self.worker.count == 1:
            return [value]
        from bearcat.training.multi_worker import gather_values

        return gather_values(self.strategy, self.worker, value)

    def any_of(self, flag: bool) -> bool:
        """Whether the flag is set on any worker."""
        return max(self.all_gather(float(flag))) > 0

    def broadcast_from_chief(self, value: float) -> float:
        """Returns the chief's value on every worker."""
        return self.all_gather(value)[0]

    def check_agreement(self, **values: object) -> None:
        """Compares values between the workers.

        Raises:
            SettingsError: A value differs; raised on every worker.
        """
        for name, value in values.items():
            if len(set(self.all_gather(float(zlib.crc32(repr(value).encode("utf-8")))))) > 1:
                raise SettingsError(
                    f"the workers differ in {name}, here {str(value)[:200]}: start all of them with the same toolkit, "
                    "settings and work folder, on a shared disk"
                )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turns TensorFlow's errors about a lost worker into a WorkerLostError."""
        if self.worker.count == 1:
            yield
            return
        import tensorflow as tf

        errors = tf.errors
        gone = (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.FailedPreconditionError)
        try:
            yield
        except (*gone, errors.DeadlineExceededError) as error:
            reason = re.search(r"aborted by: (.*)", str(error))
            raise WorkerLostError(
                f"worker {self.worker.number} of {self.worker.count} has lost another one "
                f"({reason[1] if reason else type(error).__name__}): start all workers again with the same command; "
                "the training resumes from its last checkpoint"
            ) from error


SINGLE_REPLICA = Replicas()


def weights_checksum(model) -> int:
    """Returns the CRC-32 of a model's weights."""
    return zlib.crc32(b"".join(weight.tobytes() for weight in model.get_weights()))


def start_replicas(strategy: str, worker: Worker, device: Device) -> Replicas:
    """Starts the replicas of a STRATEGY; call it right after TensorFlow was started, before it computes anything.

    Raises:
        SettingsError: The other workers cannot be reached.
    """
    return STARTERS[choose_strategy(strategy, worker, device)](worker, device)


def choose_strategy(strategy: str, worker: Worker, device: Device) -> str:
    """Resolves 'auto' to what there is: several workers, several GPUs, or a single replica."""
    if strategy != AUTO:
        return strategy
    if worker.count > 1:
        return MULTI_WORKER
    return MIRRORED if device.gpus > 1 else SINGLE


def _start_single(worker: Worker, device: Device) -> Replicas:
    return SINGLE_REPLICA


def _start_mirrored(worker: Worker, device: Device) -> Replicas:
    """One replica per GPU; without a GPU, CPU_REPLICAS parts of the CPU."""
    import tensorflow as tf

    if device.has_gpu:
        return Replicas(worker, tf.distribute.MirroredStrategy())
    return Replicas(worker, tf.distribute.MirroredStrategy(split_cpu(CPU_REPLICAS)))


def _start_multi_worker(worker: Worker, device: Device) -> Replicas:
    """The replicas of all workers, once all of them have started."""
    import tensorflow as tf

    try:
        replicas = Replicas(worker, tf.distribute.MultiWorkerMirroredStrategy())
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise SettingsError(
            f"worker {worker.number} (of {worker.count}, from 0) cannot join the others. Start every worker with "
            "its own index in TF_CONFIG; each must reach the others' addresses, and its own port must be free. "
            f"TensorFlow says: {str(error).strip()[:300]}"
        ) from error
    return replicas if worker.count > 1 else Replicas(ALONE, replicas.strategy)


STARTERS = {SINGLE: _start_single, MIRRORED: _start_mirrored, MULTI_WORKER: _start_multi_worker}
