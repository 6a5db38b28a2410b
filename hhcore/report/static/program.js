// Carries out the programs of tracing.py: from the quantities of a point to the arguments of a kernel, to the last bit.

hh.words = new DataView(new ArrayBuffer(8));

/** The bits of a number, as a BigInt below 2^64. */
hh.bits = (x) => {
  hh.words.setFloat64(0, x);
  return hh.words.getBigUint64(0);
};

/** 2^k for a whole k from -1022 to 1023. */
hh.powerOfTwo = (k) => {
  hh.words.setUint32(0, (k + 1023) << 20);
  hh.words.setUint32(4, 0);
  return hh.words.getFloat64(0);
};

/** [m, k] with x = m 2^k and 0.5 <= |m| < 1; [x, 0] for 0 and what is not finite. */
hh.frexp = (x) => {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  const small = Math.abs(x) < hh.powerOfTwo(-1022);
  hh.words.setFloat64(0, small ? x * hh.powerOfTwo(54) : x);
  const high = hh.words.getUint32(0);
  hh.words.setUint32(0, (high & 0x800fffff) | (1022 << 20));
  return [hh.words.getFloat64(0), ((high >>> 20) & 0x7ff) - 1022 - (small ? 54 : 0)];
};

/** x 2^k, rounded once. */
hh.ldexp = (x, k) => {
  if (k > 1023) return hh.ldexp(x * hh.powerOfTwo(1023), Math.min(k, 3000) - 1023);
  if (k >= -1022) return x * hh.powerOfTwo(k);
  const [m, e] = hh.frexp(x);
  return m * hh.powerOfTwo(Math.max(e + k, -1100) + 100) * hh.powerOfTwo(-100);
};

/** x rounded to a whole number, halves to the even one. */
hh.rint = (x) => {
  const below = Math.floor(x), rest = x - below;
  if (!(rest > 0)) return x;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return up ? Math.ceil(x) : below;
};

hh.copysign = (x, y) => (hh.bits(x) >> 63n === hh.bits(y) >> 63n ? x : -x);
hh.modulo64 = (x) => BigInt.asUintN(64, x);

/** By the names that NumPy has for them; those in 64 are of whole numbers modulo 2^64, as BigInt. */
hh.operations = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  negative: (a) => -a,
  absolute: Math.abs,
  sqrt: Math.sqrt, // correctly rounded: V8, SpiderMonkey and JavaScriptCore use the instruction of the CPU
  copysign: hh.copysign,
  minimum: (a, b) => Math.min(a, b), // a program passes three operands, some of them undefined
  maximum: (a, b) => Math.max(a, b),
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  rint: hh.rint,
  frexp_mantissa: (a) => hh.frexp(a)[0],
  frexp_exponent: (a) => hh.frexp(a)[1],
  ldexp: hh.ldexp,
  isfinite: Number.isFinite,
  isnan: Number.isNaN,
  less: (a, b) => a < b,
  less_equal: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greater_equal: (a, b) => a >= b,
  equal: (a, b) => a === b,
  not_equal: (a, b) => a !== b,
  logical_and: (a, b) => Boolean(a && b),
  logical_or: (a, b) => Boolean(a || b),
  logical_not: (a) => !a,
  bitwise_and: (a, b) => a && b,
  bitwise_or: (a, b) => a || b,
  invert: (a) => !a,
  where: (condition, a, b) => (condition ? a : b),
  number: Number,
  number64: Number,
  bits: hh.bits,
  add64: (a, b) => hh.modulo64(a + b),
  multiply64: (a, b) => hh.modulo64(a * b),
  bitwise_xor64: (a, b) => a ^ b,
  right_shift64: (a, b) => a >> b,
};

hh.constants = { constant: Number, constant64: BigInt };

/**
 * A function from the inputs of a program, an array of numbers, to its outputs, a Float64Array.
 * @param {{inputs: number, steps: Array, outputs: number[]}} program as tracing.py explains it
 */
hh.program = ({ inputs, steps, outputs }) => {
  const slots = new Array(inputs + steps.length);
  const work = [];
  steps.forEach(([name, ...operands], i) => {
    if (name in hh.constants) slots[inputs + i] = hh.constants[name](operands[0]);
    else work.push([inputs + i, hh.operations[name], ...operands]);
  });
  return (values) => {
    for (let i = 0; i < inputs; i++) slots[i] = values[i];
    for (const [slot, operation, a, b, c] of work) slots[slot] = operation(slots[a], slots[b], slots[c]);
    return Float64Array.from(outputs, (slot) => Number(slots[slot]));
  };
};
