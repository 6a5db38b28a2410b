"""`python -m hhcore models`: the catalogue, and what is in one of its models."""

import argparse
import sys

from hhcore.errors import UserError
from hhcore.model import load_model, models, variants


def catalogue() -> str:
    """A line for each model."""
    lines = []
    for name in models():
        model, sets = load_model(name), ", ".join(variants(name))
        lines.append(f"{name:28} {model.title}, {len(model.states)} states{f'; variants: {sets}' if sets else ''}")
    return "\n".join(lines)


def table(name: str) -> str:
    """States, parameters and variants of a model. Raises UserError if there is none of this name."""
    model = load_model(name)
    lines = [model.title, model.source, "", "states"]
    lines += [f"  {q.name:32} {q.value:<12g} {q.unit:12} {q.description}" for q in model.states.values()]
    lines += ["", "parameters"]
    lines += [f"  {q.name:32} {q.value:<12g} {q.unit:12} {q.description}" for q in model.parameters.values()]
    if ":" not in name and (sets := variants(name)):
        lines += ["", "variants", *(f"  {name}:{key:24} {text}" for key, text in sets.items())]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print what is asked for; 1 after a mistake."""
    parser = argparse.ArgumentParser(prog="python -m hhcore", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("models", help="the catalogue, or one model of it")
    listing.add_argument("name", nargs="?", help="a model, or model:variant, or a path")
    given = parser.parse_args(arguments)
    try:
        print(table(given.name) if given.name else catalogue())
    except UserError as error:
        print(f"Error. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
