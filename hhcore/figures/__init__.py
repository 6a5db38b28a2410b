"""Tables of an experiment as figures: DataFrame -> matplotlib Figure -> save()."""

from hhcore.figures.context import Plan, Variable
from hhcore.figures.fi import fi_curves
from hhcore.figures.maps import apd_map, rheobase_map, spike_count_map
from hhcore.figures.numerics import accuracy_map, work_precision
from hhcore.figures.oscillation import oscillation_range
from hhcore.figures.restitution import restitution
from hhcore.figures.sensitivity import sample_scatter, sampled_curves, sobol_indices
from hhcore.figures.style import save
from hhcore.figures.traces import trace_panel

__all__ = [
    "accuracy_map",
    "apd_map",
    "work_precision",
    "Plan",
    "Variable",
    "fi_curves",
    "oscillation_range",
    "restitution",
    "rheobase_map",
    "sample_scatter",
    "sampled_curves",
    "save",
    "sobol_indices",
    "spike_count_map",
    "trace_panel",
]
