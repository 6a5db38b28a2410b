"""How accurate a solver is on an experiment's own grid: measured, chosen, written down."""
