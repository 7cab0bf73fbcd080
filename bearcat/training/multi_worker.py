"""What Keras 3 lacks for MultiWorkerMirroredStrategy: the one remedy, and words among workers. Imports TensorFlow."""

from collections.abc import Callable

import keras
import tensorflow as tf

from bearcat.training.cluster import Worker


class FitOnWorkers:
    """Lets Keras 3's fit and evaluate run under MultiWorkerMirroredStrategy, where they fail twice by themselves.

    Before the first step fit reads a batch to build the model from, which is a PerReplica here and has no shape: so
    the model is built before, from a batch of this worker, and fit is told that nothing is left to build.
    After each step it takes the mean over axis 0 of logs that are scalars: so the step is our own, and takes their
    mean over the replicas, by which all workers see the same figures.
    Known upstream: keras issue 20585. tests/test_distribution.py says when Keras does without this class.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy

    def mend(self, model: keras.Model, batch) -> None:
        """Make a compiled model ready, by the shapes of a batch of one replica."""
        with self.strategy.scope():
            model._symbolic_build(data_batch=batch)
            model.optimizer.build(model.trainable_variables)
        model._maybe_symbolic_build = lambda **_: None
        model.train_function = self.step_of(model.train_step)
        model.test_function = self.step_of(model.test_step)

    def step_of(self, step: Callable) -> Callable:
        """Return a step of all replicas, from an iterator to figures that all of them share."""

        def shared_step(batch):
            return tf.distribute.get_replica_context().all_reduce("MEAN", step(batch))

        @tf.function(reduce_retracing=True)
        def run_step(iterator):
            figures = self.strategy.run(shared_step, args=(next(iterator),))
            return {name: self.strategy.experimental_local_results(value)[0] for name, value in figures.items()}

        return run_step


def gather_values(strategy: tf.distribute.Strategy, worker: Worker, value: float) -> list[float]:
    """Return the values of all workers, in their order."""
    own = tf.one_hot(worker.number, worker.count, on_value=value, dtype=tf.float64)
    sums = strategy.experimental_local_results(_sum_up(strategy, own))[0].numpy()
    return (sums * worker.count / strategy.num_replicas_in_sync).tolist()


@tf.function
def _sum_up(strategy: tf.distribute.Strategy, values: tf.Tensor):
    def add_up(own):
        # a function's argument lies on no device, by which TensorFlow would choose where to add up
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(own))

    return strategy.run(add_up, args=(values,))
