"""The accuracy of solvers on an experiment's own grid: measure it, choose a solver, write the evidence."""
