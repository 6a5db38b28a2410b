"""What the files of figures say: by its metadata an SVG is an image or a text, as Dublin Core calls them.

The title of a text is all that it says, a line each.
"""

from pathlib import Path
from xml.etree import ElementTree

from hhcore.base.seals import check_seal

TEXT = "http://purl.org/dc/dcmitype/Text"
_DC = "{http://purl.org/dc/elements/1.1/}"


def words(svg: Path) -> list[str]:
    """The lines of a figure in words, [] of an image.

    Raises UserError if the file is missing or a bit of it has changed.
    """
    check_seal(svg)
    found = {}
    for _, element in ElementTree.iterparse(svg):
        found[element.tag] = element
        if element.tag.endswith("}metadata"):
            break
    is_text = TEXT in found[f"{_DC}type"].attrib.values()
    return found[f"{_DC}title"].text.splitlines() if is_text else []


def width(svg: Path) -> float:
    """The width of a figure [inch]. Raises FileNotFoundError without the file."""
    _, root = next(ElementTree.iterparse(svg, ["start"]))
    return float(root.get("width").removesuffix("pt")) / 72.0
