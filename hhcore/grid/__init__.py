"""Grids: axes, sampled designs, and their product."""
