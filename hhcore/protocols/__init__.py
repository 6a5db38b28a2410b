"""Kinds of experiment, a room each: protocols (what is done to a neuron), analyses (what is made of it), captions.

The contracts are hhcore.experiments.protocol and hhcore.experiments.analysis.
"""
