"""Files of few but long tests come first, so that none of them is left to run alone at the end."""

LONG = ("test_workflow", "test_faults", "test_kills", "test_simulation", "test_slurm", "test_bytes")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
