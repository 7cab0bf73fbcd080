"""What Keras 3 lacks for MultiWorkerMirroredStrategy, and values gathered from all workers. Imports TensorFlow."""

from collections.abc import Callable

import keras
import tensorflow as tf

from bearcat.training.cluster import Worker


class MultiWorkerFit:
    """Makes Keras 3's `fit` and `evaluate` work under MultiWorkerMirroredStrategy, where they fail in two places.

    - Before the first step `fit` builds the model from a batch, which is a PerReplica value without a shape here.
      We build it beforehand from a batch of one replica.
    - After each step it averages logs over axis 0 that are scalars. Our step averages them over the replicas instead,
      so that all workers see the same metrics.

    Known upstream as Keras issue 20585. tests/training/test_distribution.py fails once Keras no longer needs this.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy

    def patch(self, model: keras.Model, batch) -> None:
        """Patches a compiled model.

        Args:
            model: The model.
            batch: A batch of one replica, for its shapes.
        """
        with self.strategy.scope():
            model._symbolic_build(data_batch=batch)
            model.optimizer.build(model.trainable_variables)
        model._maybe_symbolic_build = lambda **_: None
        model.train_function = self._distributed(model.train_step)
        model.test_function = self._distributed(model.test_step)

    def _distributed(self, step: Callable) -> Callable:
        """Returns a step of all replicas, from an iterator to metrics that are equal on all of them."""

        def averaged_step(batch):
            return tf.distribute.get_replica_context().all_reduce("MEAN", step(batch))

        @tf.function(reduce_retracing=True)
        def run_step(iterator):
            metrics = self.strategy.run(averaged_step, args=(next(iterator),))
            return {name: self.strategy.experimental_local_results(value)[0] for name, value in metrics.items()}

        return run_step


def gather_values(strategy: tf.distribute.Strategy, worker: Worker, value: float) -> list[float]:
    """Returns the values of all workers, in their order."""
    own = tf.one_hot(worker.number, worker.count, on_value=value, dtype=tf.float64)
    sums = strategy.experimental_local_results(_all_sum(strategy, own))[0].numpy()
    return (sums * worker.count / strategy.num_replicas_in_sync).tolist()


@tf.function
def _all_sum(strategy: tf.distribute.Strategy, values: tf.Tensor):
    def add_up(own):
        # tf.identity: a function's argument has no device, by which TensorFlow chooses where to sum
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(own))

    return strategy.run(add_up, args=(values,))
