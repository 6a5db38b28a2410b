"""What the measurements say, in sentences made of their numbers: goals met or missed, and which scheme wins where."""

import math
from dataclasses import dataclass

# Where a scheme wins nowhere, why it is there at all.
STAYS = {
    "rk4": "it stays, for those who name it, as the fixed step that users know and compare with",
    "dop853": "it stays as the reference of non-stiff models, at 10⁻¹², where a high order pays",
}


@dataclass(frozen=True)
class Goal:
    """How many times as fast the fastest of ours is to be, at 1 us, as the best method of some peers.

    modules : of the peers, or a single `method` of one
    missed  : why, where it is
    """

    factor: float
    than: str
    modules: tuple[str, ...]
    missed: str
    method: str = ""

    def rivals(self, rows: list[dict]) -> list[dict]:
        """The rows to beat."""
        return [row for row in rows if row["module"] in self.modules and self.method in ("", row["method"])]


GOALS = (
    Goal(
        40,
        "the best of NEURON, Brian2 and Arbor",
        ("neuron_", "brian2_", "arbor_"),
        "rewritten by hand, its equations become vector code too, so that both work on whole registers all the time; "
        "[a step of hhcore](kernels/hodgkin_huxley_1952.md) takes more than half of the slots that the "
        "core has for arithmetic, so there is less than a factor of two left",
    ),
    Goal(4, "the best of JAX and diffrax", ("jax_",), "XLA, too, makes vector code of the whole step"),
    Goal(1500, "SciPy's `odeint` as a textbook uses it", ("scipy_",), "one core does no more", "odeint"),
)


def point(row: dict, target: float) -> dict | None:
    """The point of a row that meets a target [us], or None."""
    setting = row["found"].get(f"{target:g}")
    return next((p for p in row["points"] if p["setting"] == setting), None)


def fastest(rows: list[dict], target: float) -> tuple[float, dict] | None:
    """The highest speed at a target [us], and its row."""
    reached = [(p["speed"], row) for row in rows if (p := point(row, target))]
    return max(reached, key=lambda pair: pair[0], default=None)


def goals(rows: list[dict]) -> str:
    """A line for each goal that can be judged."""
    ours, lines = fastest([row for row in rows if row["module"] == "hhcore_"], 1.0), []
    for goal in GOALS:
        best = fastest(goal.rivals(rows), 1.0)
        if ours and best:
            times = ours[0] / best[0]
            verdict, reason = ("met", "") if times >= goal.factor else ("missed", f": {goal.missed}")
            found = f"{verdict}, {digits(times)} times ({best[1]['label']}){reason}"
            lines.append(f"- **{goal.factor:,g} times {goal.than}**: {found}.")
    return "\n".join(lines)


def winners(problems: dict[str, list[dict]], targets: tuple[float, ...]) -> str:
    """A line for each scheme: where it is the fastest. problems : the rows of our schemes by what they were run on"""
    wins: dict[str, list[str]] = {row["method"]: [] for rows in problems.values() for row in rows}
    for name, rows in problems.items():
        best = [(found[1]["method"], f"{t:g}") for t in targets if (found := fastest(rows, t))]
        for method in dict.fromkeys(method for method, _ in best):
            wins[method].append(f"on the {name} within {listed([t for m, t in best if m == method])} µs")
    lines = []
    for method, where in wins.items():
        why = f"; {STAYS[method]}" if method in STAYS and not where else ""
        lines.append(f"- `{method}` wins {listed(where) or 'nowhere'}{why}.")
    return "\n".join(lines)


def apart(rows: list[dict]) -> str:
    """Whether all rows were measured in one run, and which were not."""
    runs = [row["run"] for row in rows]
    main = max(set(runs), key=runs.count, default=None)
    others = [row["label"] for row in rows if row["run"] != main]
    kept = f", except {listed(others)} (in another one, so that their ratios to the rest are less sure)"
    return "All was measured in one run" + (kept if others else "")


def listed(words: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def digits(x: float) -> str:
    """Three significant digits, in full."""
    decimals = max(0, 2 - math.floor(math.log10(x))) if x > 0 else 0
    return f"{round(x, 2 - math.floor(math.log10(x))) if x > 0 else 0:,.{decimals}f}"
