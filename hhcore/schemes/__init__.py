"""The integration schemes, a file for each family."""
