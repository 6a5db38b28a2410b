: Hodgkin and Huxley (1952) with every parameter a constant, without ions and tables, for CoreNEURON to vectorise.

NEURON {
    SUFFIX squid
    NONSPECIFIC_CURRENT i
    RANGE current
    THREADSAFE
}

PARAMETER {
    current = 0 : injected, in uA/cm2
}

ASSIGNED {
    v (mV)
    i (mA/cm2)
}

STATE { m h n }

INITIAL {
    m = 0.05
    h = 0.6
    n = 0.32
}

BREAKPOINT {
    SOLVE states METHOD cnexp
    i = 0.001 * (120 * m*m*m*h * (v - 50) + 36 * n*n*n*n * (v + 77) + 0.3 * (v + 54.387) - current)
}

DERIVATIVE states {
    LOCAL alpha_m, beta_m, alpha_h, beta_h, alpha_n, beta_n
    alpha_m = 0.1 * (v + 40) / (1 - exp(-(v + 40) / 10))
    beta_m = 4 * exp(-(v + 65) / 18)
    alpha_h = 0.07 * exp(-(v + 65) / 20)
    beta_h = 1 / (1 + exp(-(v + 35) / 10))
    alpha_n = 0.01 * (v + 55) / (1 - exp(-(v + 55) / 10))
    beta_n = 0.125 * exp(-(v + 65) / 80)
    m' = alpha_m * (1 - m) - beta_m * m
    h' = alpha_h * (1 - h) - beta_h * h
    n' = alpha_n * (1 - n) - beta_n * n
}
