"""Voltage clamp: the potential is given, the currents are recorded."""
