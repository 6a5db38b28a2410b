"""What a protocol declares more if its experiment has outputs."""

from collections.abc import Sequence
from dataclasses import replace

from hhcore.experiments.protocol import Accuracy, Height
from hhcore.simulation.outputs import Output


def judged(accuracy: Accuracy, outputs: Sequence[Output]) -> Accuracy:
    """The accuracy of a protocol that also judges its outputs."""
    return replace(accuracy, heights=(*accuracy.heights, *map(_height, outputs)))


def defined(outputs: Sequence[Output]) -> dict[str, tuple[str, str]]:
    """Unit and definition of the columns of outputs."""
    return {output.column: (output.unit, output.definition) for output in outputs}


def _height(output: Output) -> Height:
    meaning = f"error of {output.column}; null where the neuron or the reference failed"
    return Height(output.error_column, output.unit, meaning, output.share)
