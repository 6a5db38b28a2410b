"""Variables by what they are annotated as: `oxmeta:membrane_voltage`.

The terms are those of the Oxford metadata, as in the files of the Cardiac Electrophysiology Web Lab. A CellML file
says them in RDF, `bqbiol:is`; a .mmt file as `oxmeta: term` below a variable.
"""

from collections import defaultdict
from typing import Any
from xml.etree import ElementTree

import myokit

from hhcore.base.errors import UserError, closest

PREFIX = "oxmeta:"
META = "oxmeta"  # the entry of a variable's metadata, where Myokit has it too; its terms are parted by blanks
NAMESPACE = "https://chaste.comlab.ox.ac.uk/cellml/ns/oxford-metadata#"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IS = "{http://biomodels.net/biology-qualifiers/}is"
ID = "{http://www.cellml.org/metadata/1.0#}id"


def annotate(model: myokit.Model, root: ElementTree.Element) -> None:
    """Give the variables of a model the terms of its CellML file, wherever in the file its RDF stands."""
    meant = defaultdict(list)
    for description in root.iterfind(f".//{RDF}Description"):
        for term in description.iterfind(IS):
            prefix, found, name = term.get(f"{RDF}resource", "").partition(NAMESPACE)
            if found and not prefix:
                meant[description.get(f"{RDF}about", "").removeprefix("#")].append(name)
    for component in root.iterfind("{*}component"):
        for declared in component.iterfind("{*}variable"):
            qname = f"{component.get('name')}.{declared.get('name')}"
            terms = meant.get(declared.get(ID) or declared.get("id"))
            if terms and model.has_variable(qname):
                model.get(qname).meta[META] = " ".join(dict.fromkeys(terms))


def annotations(model: myokit.Model) -> dict[str, str]:
    """The qualified names of variables by the terms that they are annotated with."""
    variables = [*model.variables(deep=True, sort=True)]
    return {term: v.qname() for v in variables for term in v.meta.get(META, "").split()}


def annotated(model: myokit.Model, term: str, file: str) -> str:
    """The qualified name of the variable with a term, which may begin with `oxmeta:`.

    file : named in the message. Raises UserError if there is none.
    """
    known, term = annotations(model), term.removeprefix(PREFIX)
    if term not in known:
        legal = closest(term, known) if known else "it has no annotations, so write the name of a variable"
        raise UserError(f"{file}: no variable is annotated as {term!r}; {legal}")
    return known[term]


def annotated_or_none(model: myokit.Model, term: str) -> Any:
    """The variable with a term, None if there is none."""
    name = annotations(model).get(term)
    return None if name is None else model.get(name)
