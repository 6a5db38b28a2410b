"""Configs: read, checked from end to end, and turned into experiments."""
