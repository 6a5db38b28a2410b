"""Rosenbrock methods: Hairer and Wanner (1996), Solving Ordinary Differential Equations II, ch. IV.7."""

from dataclasses import dataclass

from hhcore.schemes.scheme import DENSE, Scheme, around, coefficient_row, indented, weighted_sum


@dataclass(frozen=True)
class Rosenbrock:
    """A linearly implicit method: stage i solves, with the Jacobian J and t_i = t + c_i h,

        (1/(gamma h) - J) u_i = f(t_i, y + sum_j a_ij u_j) + sum_j c_ij u_j / h + d_i h df/dt,

    and the solution is y + sum_j a_sj u_j + u_s. Stage s is the last; u_s estimates the local error.
    Hairer and Wanner (1996), Solving Ordinary Differential Equations II, eq. IV.7.25.

    order    : of the solution
    estimate : order of the error estimate, which sets the step length
    nodes    : c_i of all stages; `times` : d_i
    a, c     : weights of the stages 2, 3, ...
    dense    : rows h_m of weights of u_1, u_2, ...; inside the step y is at s = 0 to 1
               (1 - s) y0 + s (y1 + (1 - s) (k_1 + s (k_2 + ...))) with k_m = sum_j h_mj u_j
    """

    order: int
    estimate: int
    gamma: float
    nodes: tuple[float, ...]
    times: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    c: tuple[tuple[float, ...], ...]
    dense: tuple[tuple[float, ...], ...]


# Rodas5P: Steinebach (2023), BIT Numerical Mathematics 63:27.
STEINEBACH = Rosenbrock(
    order=5,
    estimate=4,
    gamma=0.21193756319429014,
    nodes=(0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0),
    times=(
        0.21193756319429014,
        -0.42387512638858027,
        -0.3384627126235924,
        1.8046452872882734,
        2.325825639765069,
        0.0,
        0.0,
        0.0,
    ),
    a=(
        (3.0,),
        (2.849394379747939, 0.45842242204463923),
        (-6.954028509809101, 2.489845061869568, -10.358996098473584),
        (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
        (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946),
        (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946, 1.0),
        (
            -7.502846399306121,
            2.561846144803919,
            -11.627539656261098,
            -0.18268767659942256,
            0.030198172008377946,
            1.0,
            1.0,
        ),
    ),
    c=(
        (-14.155112264123755,),
        (-17.97296035885952, -2.859693295451294),
        (147.12150275711716, -1.41221402718213, 71.68940251302358),
        (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
        (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
        (
            30.91273214028599,
            -3.1208243349937974,
            77.79954646070892,
            34.28646028294783,
            -19.097331116725623,
            -28.087943162872662,
        ),
        (
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ),
    ),
    dense=(
        (
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ),
        (
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ),
        (
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ),
    ),
)


def _rosenbrock(name: str, title: str, tableau: Rosenbrock) -> Scheme:
    """Make the scheme of a tableau. `linearise` factorises 1/(gamma h) - J, `substitute` solves for the row SLOPE."""
    last, degree = len(tableau.nodes), len(tableau.dense) + 1

    def rows(states: int) -> dict[str, int]:
        return {"SLOPE1": states, "BY_TIME": states} | {f"U{i + 1}": states for i in range(last)}

    stages = zip(tableau.a, tableau.c, tableau.nodes[1:], tableau.times[1:], strict=True)
    text = _ROSENBROCK.format(
        around=around("", _rosenbrock_curve(tableau, last)),
        gamma=tableau.gamma,
        time=tableau.times[0],
        stages="\n".join(_rosenbrock_stage(i, *parts) for i, parts in enumerate(stages, start=2)),
        last=last,
    )

    numbers = (tableau.order, True, tableau.estimate, True, float("inf"), degree)
    return Scheme(name, title, *numbers, rows, text, _rosenbrock_dense(tableau, last))


_ROSENBROCK = '''
{around}

def attempt(Z):
    """Each stage is the solution of a linear system; the last one is the estimated error."""
    linearise(Z, {gamma!r})
    for k in range(N):
        for j in range(W):
            i = k * W + j
            Z[SLOPE + i] = fma({time!r} * Z[TAKEN + j], Z[BY_TIME + i], Z[SLOPE1 + i])
    substitute(Z)
{stages}
    for j in range(W):
        Z[ERROR + j] = 0.0
        Z[WHEN + j] = Z[TIME + j] + Z[TAKEN + j]
    for k in range(N):
        for j in range(W):
            i = k * W + j
            u = Z[SLOPE + i]
            Z[U{last} + i] = u
            Z[NEXT + i] += u
            s = u * INVERSE_SCALE[k]
            Z[ERROR + j] = fma(s, s, Z[ERROR + j])
    for j in range(W):
        Z[ERROR + j] /= N
    slopes(Z)
'''


def _rosenbrock_stage(number: int, a: tuple[float, ...], c: tuple[float, ...], node: float, time: float) -> str:
    """Save the solution of the previous stage, then compute stage `number` in all lanes."""
    before = [f"Z[U{i} + i]" for i in range(1, number)]
    save = [
        "i = k * W + j",
        f"Z[U{number - 1} + i] = Z[SLOPE + i]",
        *weighted_sum(a, before),
        "Z[NEXT + i] = Z[STATE + i] + s",
    ]
    right_side = ["i = k * W + j", "h = Z[TAKEN + j]", *weighted_sum(c, before)]
    right_side.append(f"Z[SLOPE + i] = fma({time!r} * h, Z[BY_TIME + i], fma(1.0 / h, s, Z[SLOPE + i]))")
    when = ["for j in range(W):", f"    Z[WHEN + j] = fma({node!r}, Z[TAKEN + j], Z[TIME + j])"]
    head = indented(["for k in range(N):", "    for j in range(W):"], 1)
    return "\n".join(
        [
            *(head, indented(save, 3), indented([*when, "slopes(Z)"], 1)),
            *(head, indented(right_side, 3), indented(["substitute(Z)"], 1)),
        ]
    )


def _rosenbrock_curve(tableau: Rosenbrock, last: int) -> list[str]:
    """The interpolant of the method for the potential, by powers of s."""
    lines, values = _powers(tableau, "(v1 - v0)", [f"Z[U{i} + POTENTIAL + j]" for i in range(1, last + 1)])
    return lines + [f"Z[CURVE_{i} + j] = {value}" for i, value in enumerate(values)]


def _rosenbrock_dense(tableau: Rosenbrock, last: int) -> str:
    """The interpolant for all states."""
    lines, values = _powers(tableau, "(Z[STATE + i] - Z[BEGUN + i])", [f"Z[U{i} + i]" for i in range(1, last + 1)])
    lines += [f"{coefficient_row(i)} = {value}" for i, value in enumerate(values)]
    return DENSE.format(stages="", coefficients=indented(lines, 3))


def _powers(tableau: Rosenbrock, change: str, stages: list[str]) -> tuple[list[str], list[str]]:
    """Lines that compute k_1, k_2, ... from the stages, and the coefficients of s, s^2, ... of the interpolant."""
    lines = []
    for m, weights in enumerate(tableau.dense, start=1):
        lines += [*weighted_sum(weights, stages), f"k{m} = s"]
    names = [change, *(f"k{m}" for m in range(1, len(tableau.dense) + 1))]
    powers = [f"{after} - {before}" for before, after in zip(names[1:], names[2:], strict=False)]
    return lines, [f"{names[0]} + {names[1]}", *powers, f"-{names[-1]}"]


RODAS5P = _rosenbrock("rodas5p", "Rosenbrock 5(4) of Steinebach", STEINEBACH)
