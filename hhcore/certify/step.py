"""The step that measures solvers: it makes numerics.parquet, and beside it kernel.py, the text of the chosen kernel."""

import shutil
from pathlib import Path

from hhcore.base.files import atomic_write
from hhcore.base.watch import Watch
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import uncertainty, write_numerics
from hhcore.experiments.experiment import Experiment
from hhcore.sweep.held import changed_choice

KERNEL = "kernel.py"


def make_numerics(experiment: Experiment, numerics: Path, recipe: str, threads: int, watch: Watch) -> None:
    """Make numerics.parquet and kernel.py in its folder. Raises UserError as `calibrate` does."""
    evidence = calibrate(experiment, threads=threads, progress=watch.tried)
    for remark in filter(None, [uncertainty(evidence), changed_choice(experiment, evidence.chosen, numerics.parent)]):
        watch.write(remark)
    with atomic_write(numerics.with_name(KERNEL)) as kernel:
        shutil.copyfile(experiment.engine(evidence.chosen.method).kernel.path, kernel)
    write_numerics(experiment, evidence, numerics, recipe)
