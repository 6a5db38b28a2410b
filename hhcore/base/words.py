"""Words that follow a number."""


def counted(count: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "neuron"), counted(2000, "spike")
    ('1 neuron', '2,000 spikes')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
