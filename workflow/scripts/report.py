"""Let a second Snakemake write its report of the current run."""

import subprocess
import tempfile
from pathlib import Path

from hhcore.base.errors import UserError, one_message
from hhcore.base.files import atomic_write
from hhcore.base.seals import RECIPE, SEAL, UNSEALED, seal

output, log = Path(snakemake.output[0]), Path(snakemake.log[0])
with one_message(log), tempfile.TemporaryDirectory() as folder:
    page = Path(folder, "report.html")
    command = [*snakemake.params.command, "--directory", "."]  # where it is, whatever `workdir:` a Snakefile has
    command += ["--rerun-triggers", "mtime"]  # it runs nothing
    command += ["--report", str(page), "--nolock", snakemake.rule]  # not after an option that takes many values
    done = subprocess.run(command, capture_output=True, text=True)
    log.write_text(done.stdout + done.stderr)
    if done.returncode or not page.exists():
        reason = done.stderr.strip().splitlines()[-1:] or [f"it ended with code {done.returncode}"]
        raise UserError(f"the report cannot be written: {reason[0]}; {log} says more")
    with atomic_write(output) as temporary:
        marks = f"\n<!-- {RECIPE}: {snakemake.params.recipe}, {SEAL}: {UNSEALED} -->\n"
        temporary.write_text(page.read_text(encoding="utf-8") + marks, encoding="utf-8")
        seal(temporary)
