"""Read the YAML file of a config, strictly: what YAML 1.1 and 1.2 read differently, or what unfolds, is refused."""

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from hhcore.base.checks import mapping, quoted
from hhcore.base.errors import UserError, collected
from hhcore.model.model import is_model_file

MOST_NODES = 5_000_000  # with all aliases unfolded: an axis has a million values at most

MERGE = "<<"  # a key of YAML 1.1; what it means is checked by the size of the whole
CORE = (
    (r"|~|null|Null|NULL", lambda text: None),
    (r"true|True|TRUE", lambda text: True),
    (r"false|False|FALSE", lambda text: False),
    (r"[-+]?[0-9]+", int),
    (r"0o[0-7]+", lambda text: int(text[2:], 8)),
    (r"0x[0-9a-fA-F]+", lambda text: int(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)", lambda text: float(text.replace(".", ""))),
    (r"\.(nan|NaN|NAN)", lambda text: math.nan),
)


def read_config(path: str | Path) -> dict[str, object]:
    """The mapping in a YAML file, with paths, of model files and of stimuli, counted from its folder.

    Raises UserError if the file is missing, is not YAML, repeats a key (`yaml.safe_load` would take the last), unfolds
    into too many nodes, or has a value that PyYAML reads otherwise than YAML 1.2.
    """
    try:
        content = _content(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"config file {str(path)!r} does not exist; check its name and folder") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config file {str(path)!r} cannot be read as a text file: {error}") from error
    except UserError as error:
        raise UserError(*(f"config file {str(path)!r}: {mistake}" for mistake in error.mistakes)) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise UserError(f"config file {str(path)!r} is not valid YAML: line {line}: {error.problem}") from error
    # PyYAML raises errors of many types for scalars that it cannot build (a month 13, !!bool perhaps).
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"config file {str(path)!r} is not valid YAML: {error}") from error
    return located(mapping(content, f"config file {str(path)!r}"), [(path, content)])


def located(config: dict[str, object], files: Iterable[tuple[str | Path, object]]) -> dict[str, object]:
    """A config with absolute paths of model files, and of files of stimuli.

    config : the contents of config files, merged, and of a command line
    files  : the path and the content of each of them, in the order in which they were merged; a config may also be a
             part of what is in a file, as it is if another workflow uses this one as a module

    A path counts from the folder of the last file that gives it; one that none of them gives, from the working folder.
    """
    folders = {}
    for path, content in files:
        for name, body in _bodies(content):
            folders |= {(name, *found): Path(path).absolute().parent for found in _paths(body)}
    bodies = {}
    for name, body in _bodies({"experiments": config.get("experiments")}):
        for keys, written in _paths(body):
            body = _with(body, keys, str(folders.get((name, keys, written), Path.cwd()) / written))
        bodies[name] = body
    return config | {"experiments": config["experiments"] | bodies} if bodies else config


def _bodies(content: object) -> Iterator[tuple[object, dict]]:
    """The name and the body of every experiment with a path, anywhere in what a file holds."""
    for key, value in content.items() if isinstance(content, dict) else ():
        if key != "experiments" or not isinstance(value, dict):
            yield from _bodies(value)
            continue
        for name, body in value.items():
            if isinstance(body, dict) and any(_paths(body)):
                yield name, body


def _paths(body: dict) -> Iterator[tuple[tuple[str, ...], str]]:
    """The paths in an experiment, each with the keys that lead to it: of its model, and of files of its stimulus."""
    if isinstance(model := body.get("model"), str) and is_model_file(model):
        yield ("model",), model
    for key in ("stimulus", "clamp"):
        yield from _files(body.get(key), (key,))


def _files(part: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in part.items() if isinstance(part, dict) else ():
        if key == "file" and isinstance(value, str):
            yield (*keys, key), value
        yield from _files(value, (*keys, key))


def _with(body: dict, keys: tuple[str, ...], value: str) -> dict:
    """The same with another value where the keys lead."""
    first, *rest = keys
    return body | {first: _with(body[first], tuple(rest), value) if rest else value}


def _content(text: str) -> object:
    loader = _Loader(text)
    try:
        with collected() as loader.noted:
            node = loader.get_single_node()
            if node is None:
                return None
            _check_size(node, {})
            return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_size(node: yaml.Node, sizes: dict[yaml.Node, int]) -> int:
    """The number of nodes in `node` with its aliases unfolded; `sizes` are those known.

    Raises UserError if there are too many, or endlessly many.
    """
    if node not in sizes:
        sizes[node] = MOST_NODES  # until it is known: a node that contains itself has no end
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        children = (child for part in parts for child in (part if isinstance(part, tuple) else (part,)))
        sizes[node] = 1 + sum(_check_size(child, sizes) for child in children)
        if sizes[node] > MOST_NODES:
            line = node.start_mark.line + 1
            raise UserError(
                f"line {line}: its aliases unfold into more than {MOST_NODES:,} values; write out what is meant"
            )
    return sizes[node]


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                with self.noted():
                    raise UserError(f"line {line}: the key {quoted(key.value)} occurs twice; keep one of the two")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def compose_scalar_node(self, anchor: str | None) -> yaml.ScalarNode:
        """The node of a scalar; a mistake if it has neither quotes nor tag, and YAML 1.2 reads it otherwise."""
        plain, node = self.peek_event().implicit[0], super().compose_scalar_node(anchor)
        if plain and node.value != MERGE:
            found, modern = self.construct_object(node), _core(node.value)
            # The readers of numbers take 1e-6 for one.
            number = isinstance(found, str) and isinstance(modern, float)
            if repr(found) != repr(modern) and not number:
                with self.noted():
                    raise UserError(
                        f"line {node.start_mark.line + 1}: {quoted(node.value)} is {quoted(found)} in YAML 1.1 and "
                        f"{quoted(modern)} in YAML 1.2; write a plain decimal number, or put text in quotes"
                    )
        return node


def _core(text: str) -> object:
    """What a plain scalar means in the core schema of YAML 1.2."""
    return next((meaning(text) for form, meaning in CORE if re.fullmatch(form, text)), text)
