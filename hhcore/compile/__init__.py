"""From a model's equations to a compiled kernel: equations, passes, lowering, module."""
