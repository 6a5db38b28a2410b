"""The cells of the Web Lab, a folder each: their model, and the tables of its results there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hhcore import Model, UserError, load_model
from hhcore.config.file import read_config

FOLDER = Path(__file__).parent
OWN = "model.yaml"
RESTITUTION, S1S2 = "SteadyStateRestitution", "S1S2"
# What `..._block` blocks, as the protocols of the Web Lab name it.
BLOCKED = {
    "INa": "membrane_fast_sodium_current_conductance",
    "ICaL": "membrane_L_type_calcium_current_conductance",
    "IKr": "membrane_rapid_delayed_rectifier_potassium_current_conductance",
    "IKs": "membrane_slow_delayed_rectifier_potassium_current_conductance",
    "IK1": "membrane_inward_rectifier_potassium_current_conductance",
    "Ito": "membrane_transient_outward_current_conductance",
    "NCX": "membrane_sodium_calcium_exchanger_current_conductance",
    "RyR": "SR_release_current_max",
}
ORIGIN = "ModellingWebLab/weblab-fc at 602a1e6, test/output/real"


@dataclass(frozen=True)
class Cell:
    """A cell: a folder with a `.cellml` file, or with a `model.yaml` that says what stands for one, or both.

    `model.yaml` has keys of an experiment: model, parameters, stimulus, initial_state and so on. Beside these it may
    have `reasons`, texts by the names of those of our numbers that are others for a known reason.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    @cached_property
    def body(self) -> dict:
        """The keys that all its experiments share."""
        own = {key: value for key, value in self._own.items() if key != "reasons"}
        files = sorted(self.folder.glob("*.cellml"))
        if not files and "model" not in own:
            raise UserError(f"{self.folder}: there is no model; put a .cellml file there, or a model.yaml")
        found = {"model": str(files[0]), "current": "file"} if files else {}
        return found | {"stimulus": {"kind": "pulse_train", "from": "file"}, "initial_state": "model"} | own

    @property
    def reasons(self) -> dict[str, str]:
        """Why a number of ours is another, by its name in published.py."""
        return self._own.get("reasons", {})

    @cached_property
    def _own(self) -> dict:
        return read_config(self.folder / OWN) if (self.folder / OWN).exists() else {}

    @cached_property
    def model(self) -> Model:
        """Its model."""
        return load_model(self.body["model"], **{k: self.body[k] for k in ("potential", "current") if k in self.body})

    @property
    def blocks(self) -> dict[str, str | None]:
        """The term of each current whose block is in a folder `..._block`; None where the model has no such term."""
        currents = (path.name.removesuffix("_block") for path in sorted(self.folder.glob("*_block")))
        terms = {current: BLOCKED.get(current) for current in currents if known(self.scaled(current))}
        return {current: term if term in self.model.annotations else None for current, term in terms.items()}

    def scaled(self, current: str) -> np.ndarray | None:
        """Their table of APD90 with a current blocked, float64 (n,): from none of it to all, in equal steps."""
        return self.table(f"{current}_block", "scaled_APD90")

    def table(self, protocol: str, name: str) -> np.ndarray | None:
        """A table of the Web Lab, float64 (n,) or (n, m), None without one."""
        for file in (f"outputs_{name}.csv", f"{name}.csv"):
            if (path := self.folder / protocol / file).exists():
                return read_table(path)
        return None


def cells() -> Iterator[Cell]:
    """All cells of this paper."""
    for folder in sorted(FOLDER.iterdir()):
        if folder.is_dir() and folder.name[0] not in "._":
            yield Cell(folder)


def read_table(path: Path) -> np.ndarray:
    """A table of theirs: a heading, then rows; a list has its shape in the second line, and a number a line."""
    _, *lines = path.read_text().splitlines()
    rows = [[float(x) for x in re.split(",", line)] for line in lines if line.strip()]
    if len(rows[-1]) == 1 and len(rows[0]) == 2:
        return np.array(rows[1:])[:, 0]
    return np.array(rows)


def known(table: np.ndarray | None) -> bool:
    """Whether there is something in a table."""
    return table is not None and table.size > 0
