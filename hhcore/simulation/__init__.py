"""Simulate neurons: stimuli, initial states, calls of a kernel, results and their features."""
