"""Thresholds: the least value of a field of the stimulus with which a neuron responds, searched in lanes.

`firing` says what a response is, `trials` runs neurons and asks for it, `scale` says where a search begins, and
`thresholds` searches.
"""
