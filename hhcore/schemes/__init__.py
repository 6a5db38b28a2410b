"""Integration schemes, one file for each family."""
