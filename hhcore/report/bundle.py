"""One file: scripts, style and data inside a page, and a policy that lets it run these scripts alone."""

import base64
import hashlib
import importlib.util
from importlib import resources
from pathlib import Path

from markupsafe import Markup

BOKEH = ("bokeh", "bokeh-api")  # in the order in which they load; widgets and tables are HTML
STATIC = Path(str(resources.files("hhcore"))) / "report" / "static"
FIRST = ("codec.js", "explorer/view.js")  # what makes `hh`, and a class that others extend
LAST = "page.js"  # what starts the page


def bokeh() -> dict[str, str]:
    """The JavaScript of Bokeh by name, as its package has it. Bokeh itself is not imported, which takes a second."""
    folder = Path(importlib.util.find_spec("bokeh").submodule_search_locations[0], "server", "static", "js")
    return {name: (folder / f"{name}.min.js").read_text(encoding="utf-8") for name in BOKEH}


def own_scripts() -> str:
    """All scripts below the folder `static`; between the first and the last their order does not matter."""
    return own(*FIRST, *(name for name in _names(".js") if name not in (*FIRST, LAST)), LAST)


def own_styles() -> str:
    """All style sheets below the folder `static`; that of the page comes first."""
    return own("page.css", *(name for name in _names(".css") if name != "page.css"))


def _names(ending: str) -> list[str]:
    return sorted(file.relative_to(STATIC).as_posix() for file in STATIC.rglob(f"*{ending}"))


def own(*names: str) -> str:
    """Files below the folder `static`, one after the other."""
    return "\n".join(static(name) for name in names)


def static(name: str) -> str:
    """A file below the folder `static`."""
    return (STATIC / name).read_text(encoding="utf-8")


def script(text: str, name: str) -> Markup:
    """An element with a script, as `harmless` leaves it; `name` is its id, by which workers find it."""
    return Markup('<script id="{}">{}</script>').format(name, Markup(harmless(text)))


def harmless(text: str) -> str:
    """A script without what HTML takes for its end or for a comment; in strings of JavaScript it means the same."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def policy(*scripts: str) -> str:
    """The content security policy of a page with these scripts, harmless ones: no network, no other code.

    WebAssembly is the only code made in the page, and workers are made of the page's own scripts.
    """
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    parts = {
        "default-src": "'none'",
        "script-src": f"{hashes} 'wasm-unsafe-eval'",
        "worker-src": "blob:",
        "style-src": "'unsafe-inline'",
        "img-src": "data: blob:",
        "font-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())
