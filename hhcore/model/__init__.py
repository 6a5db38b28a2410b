"""Models: `.mmt` and CellML files, read and checked."""
