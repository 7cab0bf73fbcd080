"""Let a runner of Apache Beam (this machine's processes, Flink, Spark, Dataflow) do the shares of a job.

Beam is an optional extra, requirements-beam.txt: only `--beam` imports it.
"""

import os
import shlex
from collections.abc import Callable

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import ROOT
from bearcat.generation.shards import Shard


def open_pipeline(options: str):
    """Return an empty apache_beam.Pipeline; `options` are Beam's, as on a command line, '' for its local runner.

    Raises SettingsError where Beam is not installed or has no such runner.
    """
    try:
        import apache_beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError:
        raise SettingsError("--beam needs Apache Beam: pip install -r requirements-beam.txt") from None
    # for the processes that a runner starts on this machine
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    try:
        return apache_beam.Pipeline(options=PipelineOptions(shlex.split(options)))
    except ValueError as error:
        raise SettingsError(f"--beam-options {options}: {error}") from None


def run_shards(pipeline, work: Callable[[Shard], object], count: int) -> None:
    """Call `work`, which is pickled on its way, once for each of `count` shares, wherever Beam's runner has room."""
    import apache_beam

    with pipeline:
        # a share is a unit of work of its own, which a runner may give to any worker, and again where one failed
        shards = pipeline | apache_beam.Create(Shard.all_of(count)) | apache_beam.Reshuffle()
        shards | "pack" >> apache_beam.Map(work)
