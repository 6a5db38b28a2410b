"""Drawing tools that all figures share; each kind of experiment draws its own in its room."""
