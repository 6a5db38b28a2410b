"""Errors, checks, units, digests, files, progress and tables, for every other package."""
