"""Voltage clamp: the potential is given, the currents are recorded."""

from hhcore.protocols.voltage_clamp.decays import Deactivation, TimeConstants
from hhcore.protocols.voltage_clamp.families import Families
from hhcore.protocols.voltage_clamp.gating import Activation, Inactivation
from hhcore.protocols.voltage_clamp.iv import CurrentVoltage
from hhcore.protocols.voltage_clamp.protocol import VoltageClamp
from hhcore.protocols.voltage_clamp.recovery import Recovery
from hhcore.protocols.voltage_clamp.window import WindowCurrent

__all__ = [
    "Activation",
    "CurrentVoltage",
    "Deactivation",
    "Families",
    "Inactivation",
    "Recovery",
    "TimeConstants",
    "VoltageClamp",
    "WindowCurrent",
]
