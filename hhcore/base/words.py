"""Numbers in words: as they are printed, and with what follows them."""

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def counted(count: int, thing: str) -> str:
    """A number of things.

    >>> counted(1, "neuron"), counted(2000, "spike")
    ('1 neuron', '2,000 spikes')
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def number(value: float, digits: int = 4) -> str:
    """A number in so many significant digits, as it is printed.

    >>> number(71001.0, 5), number(-65.04321), number(2.5e-9), number(1e9)
    ('71,001', '−65.04', '2.5 × 10⁻⁹', '10⁹')
    """
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if -4 <= int(exponent or 0) < 7 or not exponent:
        places = max(0, digits - 1 - int(exponent or 0))
        text = f"{float(f'{mantissa}e{exponent}' if exponent else value):,.{places}f}"
        text = text.rstrip("0").removesuffix(".") if "." in text else text
        return text.replace("-", "−")
    power = "10" + str(int(exponent)).translate(RAISED)
    short = mantissa.rstrip("0").removesuffix(".").replace("-", "−")
    return power if short == "1" else f"{short} × {power}"


def share(count: int, total: int) -> str:
    r"""A part of a whole, which is all or nothing only where it is; percents to a tenth, or to a digit below 1.

    No line breaks before the percent sign.

    >>> share(45, 60) == "45 of 60 (75\N{NO-BREAK SPACE}%)", share(0, 5), share(5, 5), share(1, 1)
    (True, 'none of 5', 'all 5', '1 of 1')
    """
    if total == 1:
        return f"{count} of 1"
    if count in (0, total):
        return f"all {total:,}" if count else f"none of {total:,}"
    percent = 100 * count / total
    rounded = float(f"{percent:.1f}" if percent >= 1 else f"{percent:.1g}")
    written = "> 99.9" if rounded == 100 else number(rounded)
    return f"{count:,} of {total:,} ({written}\N{NO-BREAK SPACE}%)"
