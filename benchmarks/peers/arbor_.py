"""Arbor: the `hh` mechanism of its default catalogue, single compartments, cells in groups that fill SIMD registers.

The mechanism starts its gates at their steady state and takes no others, so its spikes are compared with a reference
from there. The current enters through the reversal potential of the leak: g (V - E) - I = g (V - (E + I / g)).
"""

import time

import arbor
import numpy as np
from arbor import units

from benchmarks.problem import DURATION_MS, Method, V

RADIUS_UM = 25.0  # of a cylinder as long as wide; a space-clamped membrane has no size


class Batch(arbor.recipe):
    """One cell per amplitude."""

    def __init__(self, amplitudes: np.ndarray):
        super().__init__()
        self.amplitudes = amplitudes
        self.properties = arbor.neuron_cable_properties()
        self.properties.catalogue = arbor.default_catalogue()

    def num_cells(self):
        return len(self.amplitudes)

    def cell_kind(self, gid):
        return arbor.cell_kind.cable

    def global_properties(self, kind):
        return self.properties

    def cell_description(self, gid):
        tree = arbor.segment_tree()
        ends = (arbor.mpoint(x, 0, 0, RADIUS_UM) for x in (-RADIUS_UM, RADIUS_UM))
        tree.append(arbor.mnpos, *ends, tag=1)
        leak = -54.387 + self.amplitudes[gid] / 0.3
        decor = arbor.decor()
        decor.set_property(Vm=V * units.mV, cm=0.01 * units.F / units.m2, tempK=279.45 * units.Kelvin)
        decor.set_ion("na", rev_pot=50 * units.mV)
        decor.set_ion("k", rev_pot=-77 * units.mV)
        decor.paint("(all)", arbor.density("hh", {"gnabar": 0.12, "gkbar": 0.036, "gl": 0.0003, "el": leak}))
        decor.place("(location 0 0.5)", arbor.threshold_detector(0 * units.mV), "spikes")
        return arbor.cable_cell(tree, decor, arbor.label_dict(), arbor.cv_policy_single())


def run(dt: float, amplitudes: np.ndarray) -> tuple[arbor.simulation, float]:
    """The finished simulation, and the wall time of its run."""
    batch, context = Batch(amplitudes), arbor.context(threads=1)
    hint = arbor.partition_hint(cpu_group_size=len(amplitudes))
    groups = arbor.partition_load_balance(batch, context, {arbor.cell_kind.cable: hint})
    simulation = arbor.simulation(batch, context, groups)
    simulation.record(arbor.spike_recording.local)
    started = time.perf_counter()
    simulation.run(DURATION_MS * units.ms, dt * units.ms)
    return simulation, time.perf_counter() - started


def spikes(dt: float, amplitudes: np.ndarray) -> list[np.ndarray]:
    """The spike times that its threshold detector interpolates."""
    found = run(dt, amplitudes)[0].spikes()
    return [np.sort(found["time"][found["source"]["gid"] == gid]) for gid in range(len(amplitudes))]


METHODS = {
    "hh": Method(
        "Arbor",
        "`hh` of the default catalogue, implicit Euler (Arbor has no scheme of second order), all cells in one "
        "vectorised group, spikes of its detector, gates starting at rest",
        "dt",
        (0.025, 0.01, 0.004, 0.0016, 0.0008, 0.0004, 0.0002, 0.0001),
        (64, 256),
        spikes,
        lambda dt, amplitudes: run(dt, amplitudes)[1],
        problem="resting",
    )
}
