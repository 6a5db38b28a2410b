"""Seals: every changed bit of a result is noticed, and a file of something else does not pass."""

import random
import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import yaml

from hhcore.__main__ import main
from hhcore.base import tables
from hhcore.base.errors import UserError
from hhcore.base.files import atomic_write
from hhcore.base.seals import RECIPE, SEAL, UNSEALED, recipe_of, seal
from hhcore.certify.calibration import calibrate
from hhcore.certify.certificate import resolved, write_numerics
from hhcore.certify.origin import check_origin
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.figures.save import save
from hhcore.figures.style import new_figure
from hhcore.results.recipes import recipes
from hhcore.results.verify import problems, result_files
from hhcore.sweep.hashing import config_digest

FIELDS = {"rate_Hz": ("Hz", "spikes per second"), "count": ("1", "spikes")}
RECIPES = ["0123456789abcdef" * 2, "f" * 32, "2a30a3ddbea68600dde363736b3b1131"]  # one before a checksum like a digit
CONFIG = """
model: hodgkin_huxley_1952
stimulus: {kind: step, amplitude: {values: [0, 10]}}
duration: 20
initial_state: rest
solver: {tolerance: 1 us}
"""


def table(path: Path, recipe: str = RECIPES[0]) -> Path:
    columns = {"rate_Hz": np.linspace(0, 1, 50), "count": np.arange(50)}
    tables.write(path, tables.table(columns, FIELDS), {"recipe": recipe, "model": "hodgkin"})
    return path


def svg(path: Path, recipe: str = RECIPES[0]) -> Path:
    return drawn(path, recipe)[0]


def png(path: Path, recipe: str = RECIPES[0]) -> Path:
    return drawn(path, recipe)[1]


def drawn(path: Path, recipe: str) -> tuple[Path, Path]:
    with matplotlib.rc_context({"figure.dpi": 20}):
        figure = new_figure(1, 1, "a figure", [])
        figure.subplots().plot([0, 1])
        return save(figure, path.with_suffix(""), recipe)


def page(path: Path, recipe: str = RECIPES[0]) -> Path:
    path = path.with_suffix(".html")
    with atomic_write(path) as temporary:
        temporary.write_text("<p>text</p>\n" * 1000 + f"<!-- {RECIPE}: {recipe}, {SEAL}: {UNSEALED} -->")
        seal(temporary)
    return path


KINDS = [table, svg, png, page]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_file_carries_its_recipe(kind, tmp_path):
    for recipe in RECIPES:
        assert recipe_of(kind(tmp_path / "file.parquet", recipe)) == recipe


def test_a_file_of_others_has_no_recipe(tmp_path):
    for content in (b"", b"PAR1", b"\xff" * 9000, f"{RECIPE}: {'a' * 31}".encode(), f"{RECIPE}: {'a' * 33}".encode()):
        (tmp_path / "file").write_bytes(content)
        assert recipe_of(tmp_path / "file") is None


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_changed_bit_is_noticed(kind, tmp_path):
    """All bytes of a file, or a thousand of them, with a bit changed in each."""
    path = kind(tmp_path / "file.parquet")
    content, chosen = bytearray(path.read_bytes()), random.Random(1)
    assert [*problems([path], lambda *_: None)] == []
    places = range(len(content)) if len(content) < 1000 else [*chosen.sample(range(len(content)), 900), *range(100)]
    for place in places:
        bit = 1 << chosen.randrange(8)
        content[place] ^= bit
        path.write_bytes(content)
        content[place] ^= bit
        assert len([*problems([path], lambda *_: None)]) == 1, place
    for changed in (content[:-1], content[:100], content + b"\n", b""):
        path.write_bytes(changed)
        assert len([*problems([path], lambda *_: None)]) == 1


def test_a_reader_notices_a_changed_bit_of_the_footer(tmp_path):
    """There, Parquet has no checksums: a name, a unit, a digest could change."""
    path = table(tmp_path / "file.parquet")
    content = path.read_bytes()
    for old, new in ((b"rate_Hz", b"rate_Hx"), (b"hodgkin", b"hodgkim"), (RECIPES[0].encode(), RECIPES[1].encode())):
        assert old in content
        path.write_bytes(content.replace(old, new))
        for reader in (tables.read, tables.metadata, tables.schema, lambda path: [*tables.batches(path, 9)]):
            with pytest.raises(UserError, match=r"file\.parquet is damaged .*delete it and run the experiment again"):
                reader(path)


def experiment(name: str = "e", **changes: object) -> Experiment:
    return read_experiments({"experiments": {name: yaml.safe_load(CONFIG) | changes}})[name]


@pytest.fixture(scope="module")
def numerics(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("e") / "numerics.parquet"
    write_numerics(experiment(), calibrate(experiment(), progress=lambda *_: None), path)
    return path


def test_numerics_serve_their_own_experiment_alone(numerics, tmp_path):
    solved = resolved(experiment(), numerics)
    assert solved.solver is not None and check_origin(solved, numerics) == check_origin(experiment(), numerics)
    others = [experiment("other"), experiment(duration=21), experiment(solver={"tolerance": "2 us"})]
    for other in [*others, experiment(stimulus={"kind": "step", "amplitude": {"values": [0, 11]}})]:
        with pytest.raises(UserError, match=r"numerics\.parquet is of another experiment or config: its .* is .*, not"):
            resolved(other, numerics)
    shutil.copy(numerics, tmp_path / "features.parquet")
    with pytest.raises(UserError, match="its table is numerics, not features"):
        check_origin(experiment(), tmp_path / "features.parquet")


def test_verify_says_what_is_wrong(numerics, tmp_path, capsys):
    folder = tmp_path / "results" / "e"
    folder.mkdir(parents=True)
    shutil.copy(numerics, folder)
    png(folder / "figures" / "map.png")
    assert main(["verify", str(tmp_path / "results")]) == 0
    assert capsys.readouterr().out == "3 files checked, all sound\n"
    write = {"experiment": "another", "config_digest": check_origin(experiment(), numerics)["config_digest"]}
    tables.write(folder / "spikes.parquet", tables.read(numerics), write)
    (folder / "features.parquet").write_bytes((folder / "numerics.parquet").read_bytes())
    with (folder / "figures" / "map.svg").open("a") as file:
        file.write("<!-- edited -->")
    assert main(["verify", str(tmp_path / "results")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("results/e/")[1].split()[0].rstrip(":") for line in lines[:-1]] == [
        "features.parquet",
        "figures/map.svg",
        "spikes.parquet",
    ]
    assert "the table numerics under another name" in lines[0] and "its experiment is another" in lines[2]
    assert lines[-1] == "5 files checked, 3 wrong"


@pytest.mark.parametrize("folder", ["missing", "."])
def test_nothing_to_verify_is_a_mistake(folder, tmp_path, capsys):
    assert main(["verify", str(tmp_path / folder)]) == 1
    assert capsys.readouterr().err.startswith("Error. ")
    with pytest.raises(UserError):
        result_files(tmp_path / folder)


def test_recipes_follow_the_config():
    """What a config changes changes the recipe of what depends on it."""
    mine = experiment()
    for other in (experiment(duration=21), experiment(solver={"tolerance": "2 us"})):
        assert config_digest(other) != config_digest(mine)
        assert not {*recipes(other).values()} & {*recipes(mine).values()}
    renamed = experiment("renamed")
    assert config_digest(renamed) == config_digest(mine)
    assert not {*recipes(renamed).values()} & {*recipes(mine).values()}
    assert len({*recipes(mine).values()}) == 3, "calibration, the pass over the neurons, the figures"


def test_another_trace_is_another_table_and_figure():
    one, other = (recipes(experiment(traces=[{"amplitude": amplitude}])) for amplitude in (10, 11))
    assert {path for path in one if one[path] != other[path]} == {
        "traces.parquet",
        "figures/traces.svg",
        "figures/traces.png",
    }
