"""Kinds of experiment: what is done to a neuron, what is kept, and what is made of it."""
