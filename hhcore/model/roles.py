"""What a parameter is, by its unit and its name: a conductance, a capacitance, and which values it may have."""

from hhcore.base.errors import UserError
from hhcore.base.units import KELVIN, check_temperature, to_unit
from hhcore.model.model import Quantity

UNITS = {  # of what is meant; conductances and capacitances are densities, or those of a cell
    "conductance": ("S/m^2", "S", "S/F"),
    "reversal potential": ("V",),
    "capacitance": ("F/m^2", "F"),
}


def is_a(meant: str, quantity: Quantity) -> bool:
    """Whether a parameter is one by its unit and its name or description."""
    if meant == "extracellular concentration":
        return "extracellular" in quantity.description.lower() and converts(quantity.unit, "mM")
    if meant == "permeability":
        return meant in quantity.description.lower() and quantity.unit != "1"
    variable, text = quantity.name.rpartition(".")[2].lower(), quantity.description.lower()
    if meant == "temperature":
        return quantity.unit in KELVIN and variable in ("t", "temp", "temperature", "celsius")
    named = {"conductance": variable.startswith("g"), "capacitance": True}.get(meant, variable[0] == "e")
    return (named or meant in text) and any(converts(quantity.unit, unit) for unit in UNITS[meant])


def converts(unit: str, other: str) -> bool:
    """Whether a quantity in one unit can be given in the other."""
    try:
        to_unit(f"1 {unit}", other, "")
    except UserError:
        return False
    return True


def check_parameter(quantity: Quantity, lowest: float, where: str) -> None:
    """Raise UserError if the lowest value of a parameter is a frozen temperature, or a capacitance not above 0."""
    check_temperature(lowest, quantity.unit, quantity.value, where)
    if lowest <= 0 < quantity.value and is_a("capacitance", quantity):
        raise UserError(f"{where}: {lowest:g} {quantity.unit} is no capacitance; give values above 0")
