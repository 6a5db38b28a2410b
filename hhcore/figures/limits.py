"""How much a figure shows at most; it thins the rest, and the heading says so."""

MAX_FACETS = 6  # panels side by side
MAX_COLOURS = 12  # curves in a panel
MAX_VALUES = 300  # along an axis: a panel has few more pixels
MAX_POINTS = 20_000  # in a scatter: more would merge
