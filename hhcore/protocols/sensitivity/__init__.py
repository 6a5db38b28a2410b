"""Sampled designs: how a feature depends on each sampled quantity."""
