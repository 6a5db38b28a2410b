// Long curves, with no more points than a screen shows.

/**
 * A curve with at most four points a pixel: the first, lowest, highest and last of each, which draws the same picture.
 * time, values : Float64Array (n), times increasing; from, to : what is seen of the time; pixels : its width
 */
hh.thinned = (time, values, from, to, pixels) => {
  const begin = Math.max(hh.firstFrom(time, from) - 1, 0);
  const end = Math.min(hh.firstFrom(time, to) + 1, time.length);
  if (end - begin <= 4 * pixels) return { x: time.slice(begin, end), y: values.slice(begin, end) };
  const kept = [];
  const scale = pixels / (to - from);
  for (let k = begin; k < end; ) {
    const pixel = Math.floor((time[k] - from) * scale);
    let [low, high, last] = [k, k, k];
    for (; last + 1 < end && Math.floor((time[last + 1] - from) * scale) === pixel; last++) {
      if (values[last + 1] < values[low] || Number.isNaN(values[low])) low = last + 1;
      if (values[last + 1] > values[high] || Number.isNaN(values[high])) high = last + 1;
    }
    kept.push(...new Set([k, Math.min(low, high), Math.max(low, high), last]));
    k = last + 1;
  }
  return { x: Float64Array.from(kept, (k) => time[k]), y: Float64Array.from(kept, (k) => values[k]) };
};

/** The first index whose time is not before `wanted`; times increase. */
hh.firstFrom = (time, wanted) => {
  let [low, high] = [0, time.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
};
