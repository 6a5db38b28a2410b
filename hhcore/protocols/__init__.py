"""Kinds of experiment, a room each: protocols (what is done to a neuron), analyses (tables and figures), captions.

The contracts are hhcore.experiments.protocol and hhcore.experiments.analysis.
"""
