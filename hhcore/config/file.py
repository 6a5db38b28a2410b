"""Read the YAML file of a config, strictly."""

from pathlib import Path

import yaml

from hhcore.base.checks import mapping, quoted
from hhcore.base.errors import UserError


def read_config(path: str | Path) -> dict[str, object]:
    """The mapping in a YAML file. Raises UserError if the file is missing, is not YAML, or repeats a key.

    `yaml.safe_load` would silently take the last of two equal keys.
    """
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8-sig"), _Loader)
    except FileNotFoundError as error:
        raise UserError(f"config file {str(path)!r} does not exist; check its name and folder") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"config file {str(path)!r} cannot be read as a text file: {error}") from error
    except UserError as error:
        raise UserError(f"config file {str(path)!r}: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise UserError(f"config file {str(path)!r} is not valid YAML: line {line}: {error.problem}") from error
    # PyYAML raises errors of many types for scalars that it cannot build (a month 13, !!bool perhaps).
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"config file {str(path)!r} is not valid YAML: {error}") from error
    return mapping(content, f"config file {str(path)!r}")


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                line = key.start_mark.line + 1
                raise UserError(f"line {line}: the key {quoted(key.value)} occurs twice; keep one of the two")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)
