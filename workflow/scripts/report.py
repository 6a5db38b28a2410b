"""Have Snakemake write its own report of the run that is going on."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

output, log = Path(snakemake.output[0]), Path(snakemake.log[0])
with tempfile.TemporaryDirectory() as folder:
    config = Path(folder, "config.json")
    config.write_text(json.dumps(snakemake.config))
    command = [sys.executable, "-m", "snakemake", "--configfile", str(config), "--report", str(output), "--nolock"]
    done = subprocess.run(command, capture_output=True, text=True)
log.write_text(done.stdout + done.stderr)
if done.returncode or not output.exists():
    sys.exit(f"snakemake --report failed:\n{done.stderr[-2000:]}")
