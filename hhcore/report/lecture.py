"""The lecture page of a model: one file with a neuron to try, without a run.

It shows the model with a stimulus that suits it, or with the one that is asked for.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from markupsafe import Markup

from hhcore.base.errors import UserError
from hhcore.config.reader import read_experiments
from hhcore.experiments.experiment import Experiment
from hhcore.model.model import FILE, Model, is_model_file, load_model, split_name
from hhcore.model.page import page as described
from hhcore.report.live import live
from hhcore.report.page import Page, Section, templates, write_page
from hhcore.report.payload import Payload
from hhcore.report.textbook import Textbook, textbook
from hhcore.simulation.arguments import positive
from hhcore.simulation.default_scheme import default_scheme

LOCAL_ERROR = 1e-6
KEYS = re.compile("`(potential|current|stimulus|duration): ")  # of a config, in messages


def write_lecture(
    name: str,
    file: Path | None = None,
    *,
    stimulus: str | None = None,
    duration: str | None = None,
    potential: str | None = None,
    current: str | None = None,
    say: Callable[[str], object] = lambda text: None,
) -> Path:
    """Write the lecture page of a model, and return its path: by default the name of the model, in this folder.

    name               : in the catalogue, of a variant, or the path of a .mmt or .cellml file
    stimulus, duration : as in a config, like "{kind: step, amplitude: 10}" and "200 ms"; by default what suits the
                         model. A stimulus needs a duration if the model's own is too short for it
    potential, current : as in a config, where the file does not name them
    say                : called with a line on each step that takes seconds

    Raises UserError for a model or a stimulus that is none, and if the file cannot be written.
    """
    with _options():
        model = load_model(name, potential=potential, current=current)
    file = Path(f"{experiment_name(name)}.html") if file is None else file
    if not file.parent.is_dir():
        raise UserError(f"-o: the folder of {str(file)!r} is missing; make it, or give another file")
    if not stimulus:
        say(f"{model.title}: finding a stimulus that suits it")
    suited = textbook(model)
    if duration:
        suited = suited.lasting(positive(_written("duration", duration, "200 ms"), model.time_unit, "--duration"))
    named = {key: value for key, value in {"potential": potential, "current": current}.items() if value is not None}
    experiment = read_lecture(name, model, suited, stimulus, named)
    say("compiling it for the browser")
    try:
        write_page(lecture_page(experiment, None if stimulus else suited), file, "")
    except OSError as error:
        raise UserError(
            f"-o: cannot write {str(file)!r} ({error.strerror}); give a file in a folder of yours"
        ) from error
    return file


def experiment_name(model: str) -> str:
    """A name of a model that is legal for experiments and files."""
    path, variant = split_name(model)
    stem = Path(path).stem if is_model_file(model) else path
    return re.sub(r"[^A-Za-z0-9_-]+", "_", f"{stem}_{variant}" if variant else stem)[:100]


def read_lecture(
    name: str,
    model: Model,
    suited: Textbook,
    stimulus: str | None,
    named: Mapping[str, str],
) -> Experiment:
    """The experiment of a page, read as from a config. Raises UserError with all mistakes."""
    given = _written("stimulus", stimulus, "{kind: step, amplitude: 10}") if stimulus else suited.stimulus
    body = {
        "model": name,
        **named,
        **({} if named.get("current") == FILE else {"stimulus": given}),
        "initial_state": suited.initial_state,
        "duration": suited.duration,
    }
    title = experiment_name(name)
    kind = _read(title, {**body, "solver": {"tolerance": LOCAL_ERROR}}).stimulus
    if kind.shares:
        raise UserError(
            f"--stimulus: {kind.shares[0]} is a share of rheobase, which a page cannot search; give the current "
            "itself, like {kind: step, amplitude: 10}"
        )
    return _read(title, {**body, "solver": {"method": default_scheme(model, kind), "local_error": LOCAL_ERROR}})


def _written(option: str, text: str, example: str) -> object:
    """What an option says, as a config has it."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"--{option}: {text!r} is not YAML; write it as in a config, like {example!r}") from error


def _read(title: str, body: Mapping[str, object]) -> Experiment:
    """An experiment of a config."""
    with _options(f"experiments.{title}."):
        return read_experiments({"experiments": {title: body}})[title]


@contextmanager
def _options(place: str = "") -> Iterator[None]:
    """Mistakes name options in the place of keys of a config, which lie in `place`."""
    try:
        yield
    except UserError as error:
        named = (text.replace(place, "--") if place else text for text in error.mistakes)
        raise UserError(*(KEYS.sub(r"`--\1 ", text).replace(" in the config as", " by") for text in named)) from error


def lecture_page(experiment: Experiment, suited: Textbook | None) -> Page:
    """The page of an experiment without results; `suited` says how far the slider of its amplitude reaches."""
    payload, kernels, model = Payload(), {}, experiment.model
    shown = live(experiment, experiment.solver, None, payload, kernels)
    if suited and suited.reach:
        for quantity in shown["quantities"]:
            if quantity["name"] == "amplitude":
                quantity["low"], quantity["high"] = suited.reach
    body = (
        templates()
        .get_template("explore.html.j2")
        .render(name=experiment.name, model=model, described=Markup(described(model)))
    )
    entry = {"name": experiment.name, "explorer": None, "live": shown}
    contents = {"experiments": [entry], "kernels": kernels}
    return Page(model.title, [Section(experiment.name, model.title, Markup(body))], contents, payload)
