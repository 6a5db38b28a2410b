// What a neuron did, in a sentence with numbers.

hh.swing = 10; // mV that a potential rises, again and again, when one says that it oscillates
hh.swings = 3;

/** The spikes of a result of `simulate`: how many, when, how often in the window and how high. */
hh.told = (live, result) => {
  const { spikes_ms: spikes, path, status } = result;
  if (live.clamp || !path || status === "diverged") return `${hh.countOf(spikes)}.`;
  const potential = path.states[live.states.findIndex(({ role }) => role === "potential")];
  const after = hh.firstFrom(path.time, (spikes.at(-1) ?? 0) / live.ms);
  const late = [path.time, potential, path.stimulus].map((column) => column.subarray(after));
  const then = hh.oscillates(...late, hh.swing / live.mV) ? `${spikes.length ? ", then" : "; it"} oscillates below the threshold` : "";
  return `${hh.countOf(spikes)}${hh.numbersOf(live, spikes, potential)}${then}.`;
};

/** "5 spikes" */
hh.countOf = (spikes) => `${spikes.length || "No"} ${spikes.length === 1 ? "spike" : "spikes"}`;

/** The first spike, the rate, the peak: what follows the count. */
hh.numbersOf = (live, spikes, potential) => {
  if (!spikes.length) return "";
  const { unit } = live.states.find(({ role }) => role === "potential");
  const at = `${spikes[0].toFixed(1)} ms`.replace("-", "−");
  const peak = `peak ${hh.short(potential.reduce((a, b) => Math.max(a, b)), 3)} ${unit === "1" ? "" : unit}`.trim();
  const rate = hh.firingRate(spikes, live.window);
  if (spikes.length === 1) return ` at ${at}, ${peak}`;
  return `, the first at ${at}, ${rate > 0 ? `rate ${hh.short(rate, 3)} Hz, ` : ""}${peak}`;
};

/**
 * Whether a potential goes on to oscillate: in the second half of a stretch with one stimulus it rises by `swing`, and
 * falls again, at least three times.
 * time, potential, stimulus : Float64Array (n), after the last spike
 */
hh.oscillates = (time, potential, stimulus, swing) => {
  for (let begin = 0, end = 1; begin < time.length; begin = end++) {
    while (end < time.length && stimulus[end] === stimulus[begin]) end++;
    const half = hh.firstFrom(time, (time[begin] + time[end - 1]) / 2);
    if (hh.swingsOf(potential.subarray(half, end), swing) >= hh.swings) return true;
  }
  return false;
};

/** How often values rise by `swing`, after a fall as large. */
hh.swingsOf = (values, swing) => {
  let [low, high, rising, count] = [Infinity, -Infinity, false, 0];
  for (const value of values) {
    [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (!rising && value - low >= swing) [rising, high, count] = [true, value, count + 1];
    else if (rising && high - value >= swing) [rising, low] = [false, value];
  }
  return count;
};
