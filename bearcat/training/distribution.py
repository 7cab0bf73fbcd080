"""Several replicas of a network that train as one, by TensorFlow's own strategies. Imports TensorFlow late."""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from bearcat.core.devices import Device, split_cpu
from bearcat.core.errors import DataError, SettingsError, WorkerLostError
from bearcat.core.settings_file import AUTO
from bearcat.training.cluster import ALONE, MIRRORED, MULTI_WORKER, SINGLE, Worker

TRIED_REPLICAS = 2  # what 'mirrored' makes of a machine without a GPU, to be tried out


@dataclass(frozen=True)
class Team:
    """All replicas that train together: those of this process, and those of the other workers; alone it is one."""

    worker: Worker = ALONE
    strategy: object = None

    @property
    def replicas(self) -> int:
        """Return how many there are, on all workers."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def here(self) -> int:
        """Return how many of them this process has."""
        return self.replicas // self.worker.count

    @property
    def parts(self) -> range:
        """Return the numbers that this process' replicas have among all of them."""
        return range(self.worker.number * self.here, (self.worker.number + 1) * self.here)

    def share_of(self, count: int) -> int:
        """Return how many of so many images each replica gets; raise DataError where that is none."""
        if count < self.replicas:
            raise DataError(f"{count} images are too few for {self.replicas} replicas: each needs one at the least")
        return count // self.replicas

    def validation_steps(self, count: int, batch_size: int) -> int | None:
        """Return in how many steps all replicas validate their shares; None where the data itself ends."""
        return -(-self.share_of(count) // batch_size) if self.strategy else None

    @property
    def words(self) -> str:
        """Say who trains; '' where it is one alone."""
        if self.strategy is None:
            return ""
        if self.worker.count == 1:
            return f"{self.replicas} replicas ({MIRRORED})"
        return f"{self.replicas} replicas ({MULTI_WORKER}, here worker {self.worker.number} of {self.worker.count})"

    def scope(self) -> AbstractContextManager:
        """Return the context in which a model is made or loaded."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def distribute(self, batches):
        """Return batches of a replica as what fit deals out: to each replica of this process the next one."""
        return self.strategy.distribute_datasets_from_function(lambda _: batches) if self.strategy else batches

    def prepare(self, model, batches) -> None:
        """Make a fresh or loaded model ready for fit.

        Each replica clips its gradient, of a loss by all replicas' images, before the gradients are added up: so
        each has its part of the length that their sum may have.
        """
        from bearcat.networks.optimizers import CLIP_NORM, inner_optimizer

        inner_optimizer(model).clipnorm = CLIP_NORM / self.replicas
        if self.worker.count > 1:
            from bearcat.training.multi_worker import FitOnWorkers

            FitOnWorkers(self.strategy).mend(model, next(iter(batches)))

    def evener(self, model) -> Callable[[], object]:
        """Return what gives the moving averages of all replicas, each of its own images, their common mean.

        Such an average is a sum of what each step measured, so that their mean now and then is what averaging in each
        step would have led to, without waiting for one another in each step.
        """
        if self.strategy is None:
            return lambda: None
        import tensorflow as tf

        averages = [one.value for one in model.non_trainable_variables if one.dtype.startswith("float")]

        def meet() -> None:
            replica = tf.distribute.get_replica_context()
            for average in averages:
                average.assign(replica.all_reduce("MEAN", average.read_value()))

        return tf.function(lambda: self.strategy.run(meet))

    def heard(self, value: float) -> list[float]:
        """Return what each worker says, in their order; all of them must ask at the same moment."""
        if self.worker.count == 1:
            return [value]
        from bearcat.training.multi_worker import gather_values

        return gather_values(self.strategy, self.worker, value)

    def any(self, flag: bool) -> bool:
        """Tell whether one worker at least says yes."""
        return max(self.heard(float(flag))) > 0

    def from_chief(self, value: float) -> float:
        """Return what the chief says."""
        return self.heard(value)[0]

    def check_agreement(self, **values: object) -> None:
        """Raise SettingsError at all workers where one of these values is not the same at each of them."""
        for name, value in values.items():
            if len(set(self.heard(float(zlib.crc32(repr(value).encode("utf-8")))))) > 1:
                raise SettingsError(
                    f"the workers differ in {name}, here {str(value)[:200]}: start all of them with the same toolkit, "
                    "settings and work folder, on a disk that they share"
                )

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turn what TensorFlow says of a lost worker into a WorkerLostError."""
        if self.worker.count == 1:
            yield
            return
        import tensorflow as tf

        errors = tf.errors
        gone = (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.FailedPreconditionError)
        try:
            yield
        except (*gone, errors.DeadlineExceededError) as error:
            said = re.search(r"aborted by: (.*)", str(error))
            raise WorkerLostError(
                f"worker {self.worker.number} of {self.worker.count} has lost another one "
                f"({said[1] if said else type(error).__name__}): start all of them again with the same command, the "
                "training goes on after its last checkpoint"
            ) from error


SOLO = Team()


def fingerprint(model) -> int:
    """Return a number that hardly two models of different weights have in common."""
    return zlib.crc32(b"".join(weight.tobytes() for weight in model.get_weights()))


def start_team(strategy: str, worker: Worker, device: Device) -> Team:
    """Return the team of a STRATEGY; to be called right after TensorFlow was started, before it computes anything."""
    return STARTERS[choose_strategy(strategy, worker, device)](worker, device)


def choose_strategy(strategy: str, worker: Worker, device: Device) -> str:
    """Return what 'auto' comes to: several workers, several GPUs, or one alone."""
    if strategy != AUTO:
        return strategy
    if worker.count > 1:
        return MULTI_WORKER
    return MIRRORED if device.gpus > 1 else SINGLE


def stay_alone(worker: Worker, device: Device) -> Team:
    """Return a team of one."""
    return SOLO


def mirror(worker: Worker, device: Device) -> Team:
    """Return a replica for each GPU; without any, for each of two halves of the CPU."""
    import tensorflow as tf

    if device.has_gpu:
        return Team(worker, tf.distribute.MirroredStrategy())
    return Team(worker, tf.distribute.MirroredStrategy(split_cpu(TRIED_REPLICAS)))


def join_workers(worker: Worker, device: Device) -> Team:
    """Return the replicas of all workers, after all of them have come; raise SettingsError where that fails."""
    import tensorflow as tf

    try:
        team = Team(worker, tf.distribute.MultiWorkerMirroredStrategy())
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise SettingsError(
            f"worker {worker.number} of {worker.count} cannot join the others ({str(error).strip()[:300]}): each must "
            "run, with its own index in TF_CONFIG, and reach the others' addresses; none may be taken"
        ) from error
    return team if worker.count > 1 else Team(ALONE, team.strategy)


STARTERS = {SINGLE: stay_alone, MIRRORED: mirror, MULTI_WORKER: join_workers}
