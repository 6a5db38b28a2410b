"""The names of units: as the model file writes them, since Myokit takes equal units for one."""

import myokit

# Myokit would write a gating rate of a CellML file in mS/uF.
myokit.Unit.register_preferred_representation("1/ms", myokit.parse_unit("1/ms"))


def written_unit(unit: myokit.Unit | None) -> str:
    """The text of a unit in its file: `mS/cm^2`, `mM (0.5)`; `1` without dimension or unit."""
    if unit is None or unit == myokit.units.dimensionless:
        return "1"
    token = getattr(unit, "_token", None)  # Myokit's parser leaves it there, `cellml_units` too
    text = "".join((token[1] if token else str(unit)).split()).strip("[]")
    return text.replace("(", " (")
