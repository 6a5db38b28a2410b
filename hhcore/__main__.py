"""The command line: the catalogue, a page to explore a model, a config checked and its schema, results checked."""

import argparse
import json
import sys
from pathlib import Path

from hhcore import __version__
from hhcore.base.errors import UserError
from hhcore.base.words import counted
from hhcore.certify.expected import calibration_s
from hhcore.config.file import read_config
from hhcore.config.reader import read_experiments
from hhcore.model.model import load_model, model_path, models, variants
from hhcore.sweep.estimate import estimate, estimates_text, notes

EXAMPLES = """\
examples:
  python -m hhcore models                       the catalogue
  python -m hhcore models hodgkin_huxley_1952   file, states and parameters of a model, with units
  python -m hhcore explore wang_buzsaki_1996    a page with that neuron to try, which needs no network
  python -m hhcore check my.yaml                what a config would cost
  python -m hhcore schema my/schema.json        a JSON schema, so that an editor completes configs
  python -m hhcore verify results               whether files are as they were written

Experiments are run by `snakemake --configfile my.yaml`, or from Python: help(hhcore).
"""


def catalogue() -> str:
    """The models of the catalogue, one a line."""
    lines = []
    for name in models():
        model, sets = load_model(name), ", ".join(variants(name))
        lines.append(f"{name:28} {model.title}, {len(model.states)} states{f'; variants: {sets}' if sets else ''}")
    return "\n".join(lines)


def table(name: str) -> str:
    """File, states, parameters and variants of a model. Raises UserError as `load_model` does."""
    model = load_model(name)
    lines = [model.title, model.source, f"file: {model_path(name)}", "", "states"]
    lines += [f"  {q.name:32} {q.value:<12g} {q.unit:12} {q.description}" for q in model.states.values()]
    lines += ["", "parameters"]
    lines += [f"  {q.name:32} {q.value:<12g} {q.unit:12} {q.description}" for q in model.parameters.values()]
    if ":" not in name and (sets := variants(name)):
        lines += ["", "variants", *(f"  {name}:{key:24} {text}" for key, text in sets.items())]
    return "\n".join(lines)


def explored(options: argparse.Namespace) -> str:
    """Write the page of a model, and say where it is. Raises UserError as `write_lecture` does."""
    from hhcore.report.lecture import write_lecture

    given = {name: getattr(options, name) for name in ("stimulus", "duration", "potential", "current")}
    file = write_lecture(options.model, options.output and Path(options.output), **given, say=_say)
    return f"{file}: {file.stat().st_size / 1e6:.1f} MB; open it in a browser"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def checked(path: str) -> str:
    """What the experiments of a config file would cost. Raises UserError with all mistakes in it."""
    experiments = read_experiments(read_config(path))
    trials_s = {name: calibration_s(experiment) for name, experiment in experiments.items()}
    costs = estimates_text({name: estimate(experiment) for name, experiment in experiments.items()}, trials_s)
    return "\n".join(filter(None, [notes(experiments.values()), costs]))


def written_schema(path: str | None) -> str:
    """The JSON schema of configs as text; with a path it is written there, and the text says where it is."""
    from hhcore.config.schema import schema

    text = json.dumps(schema(), indent=1, ensure_ascii=False)
    if path is None:
        return text
    try:
        Path(path).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path!r} ({error.strerror}); give a file in a folder of yours") from error
    return f"For a config in this folder, put this line at its head:\n# yaml-language-server: $schema={path}"


def verified(folder: str) -> int:
    """Check every file of a folder of results and say what is wrong; return how many things are.

    Raises UserError if there is nothing to check.
    """
    from hhcore.base.progress import Progress
    from hhcore.results.verify import problems, result_files

    files, wrong = result_files(Path(folder)), 0
    for problem in problems(files, Progress(folder, things="files")):
        print(problem)
        wrong += 1
    print(f"{counted(len(files), 'file')} checked, {f'{wrong:,} wrong' if wrong else 'all sound'}")
    return wrong


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    parser = argparse.ArgumentParser(
        prog="python -m hhcore",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hhcore {__version__}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    listing = commands.add_parser("models", help="the catalogue, or one model of it")
    listing.add_argument("name", nargs="?", help="a model, or model:variant, or a path")
    exploring = commands.add_parser("explore", help="write a page with a model to try, for a browser")
    exploring.add_argument("model", help="a model, or model:variant, or a path")
    exploring.add_argument("-o", dest="output", metavar="FILE", help="default: the name of the model, in this folder")
    exploring.add_argument("--stimulus", help="as in a config, like '{kind: step, amplitude: 10}'")
    exploring.add_argument("--duration", help="as in a config, like '200 ms'")
    exploring.add_argument("--potential", help="the state that is the membrane potential, if the file does not say so")
    exploring.add_argument(
        "--current", help="the variable that is injected, if the file does not say so; or none, file"
    )
    checking = commands.add_parser("check", help="whether a config file is right, and what it would cost")
    checking.add_argument("config", help="a YAML file")
    verifying = commands.add_parser("verify", help="whether files of results are as they were written")
    verifying.add_argument("folder", nargs="?", default="results", help="a folder or a file; default: results")
    describing = commands.add_parser("schema", help="a JSON schema of configs, for editors")
    describing.add_argument("file", nargs="?", help="where to write it; default: the terminal")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run a command, or print the help without one; return 1 after a mistake of the user."""
    options = parser().parse_args(arguments)
    if options.command is None:
        parser().print_help()
        return 0
    try:
        if options.command == "verify":
            return 1 if verified(options.folder) else 0
        if options.command == "check":
            print(checked(options.config))
        elif options.command == "explore":
            print(explored(options))
        elif options.command == "schema":
            print(written_schema(options.file))
        else:
            print(table(options.name) if options.name else catalogue())
    except UserError as error:
        print(f"Error. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
