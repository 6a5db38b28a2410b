"""NEURON with CVODE: one compartment, one cell after the other, by bisection; a trial is over at the first spike."""

import numpy as np
from neuron import h

from benchmarks.thresholds_problem import DURATION_MS, SETTLE_MS, bisected, cells, core_seconds, serve

SIDE_UM = 100 / np.sqrt(np.pi)  # of a cylinder as long as wide: 1e-4 cm^2, in which 1 uA/cm^2 is 0.1 nA
GATES = ("m", "h", "n")
CVODE = h.CVode()


class Cell:
    """A compartment with an electrode and a detector of spikes."""

    def __init__(self) -> None:
        self.section = h.Section()
        self.section.L = self.section.diam = SIDE_UM
        self.section.cm = 1
        self.section.insert("hh")
        self.section.ena, self.section.ek = 50, -77
        self.middle = self.section(0.5)
        self.middle.hh.gl, self.middle.hh.el = 0.0003, -54.387
        self.electrode = h.IClamp(self.middle)
        self.electrode.delay, self.electrode.dur = 0, 1e9
        self.detector = h.NetCon(self.middle._ref_v, None, sec=self.section)
        self.detector.threshold = 0
        self.detector.record(self.spike)
        self.fired = False

    def spike(self) -> None:
        """Called at a spike: the trial is over."""
        self.fired = True
        h.stoprun = 1

    def rest(self) -> tuple[float, ...]:
        """The state after a while without a current, in which it may fire."""
        self.electrode.amp = 0
        h.finitialize(-65)
        while h.t < SETTLE_MS:
            h.stoprun = 0
            CVODE.solve(SETTLE_MS)
        return self.middle.v, *(getattr(self.middle.hh, name) for name in GATES)

    def fires(self, amplitude: float, rest: tuple[float, ...]) -> bool:
        """Whether it fires from rest."""
        self.electrode.amp, self.fired, h.stoprun = 0.1 * amplitude, False, 0
        h.finitialize(rest[0])
        for name, value in zip(GATES, rest[1:], strict=True):
            setattr(self.middle.hh, name, value)
        CVODE.re_init()
        CVODE.solve(DURATION_MS)
        return self.fired

    def threshold(self, sodium: float, potassium: float) -> float:
        """From rest."""
        self.middle.hh.gnabar, self.middle.hh.gkbar = sodium / 1000, potassium / 1000
        rest = self.rest()
        return bisected(lambda amplitude: self.fires(amplitude, rest))


CELL = Cell()


def search(side: int, tolerance: float) -> tuple[np.ndarray, float]:
    """One cell after the other."""
    h.celsius, h.usetable_hh = 6.3, 0
    CVODE.active(1)
    CVODE.condition_order(2)
    CVODE.atol(tolerance)
    started = core_seconds()
    found = [CELL.threshold(sodium, potassium) for sodium, potassium in cells(side)]
    return np.array(found), core_seconds() - started


if __name__ == "__main__":
    serve(search)
