"""Neurons simulated: stimuli, initial states, one call of a kernel, and what it leaves."""
