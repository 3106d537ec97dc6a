/** The middle of the numbers. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How sure an interval of the median is to be. */
const CONFIDENCE = 0.95;

/**
 * The interval in which the median of what the numbers are drawn from lies, whatever their distribution: from the k-th
 * smallest to the k-th largest, with the largest k that is sure enough. Of fewer than six numbers it is all of them, and
 * `confidence` says how sure that is.
 */
export function medianInterval(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  let cut = 0;
  while (confidence(sorted.length, cut + 1) >= CONFIDENCE) cut += 1;
  return { low: sorted[cut], high: sorted[sorted.length - 1 - cut], confidence: confidence(sorted.length, cut) };
}

/** How likely the median lies between two of `count` numbers, of which so many are cut off at either end. */
function confidence(count, cut) {
  let below = 0;
  let ways = 1;
  for (let index = 0; index <= cut; index += 1) {
    below += ways;
    ways = (ways * (count - index)) / (index + 1);
  }
  return Math.max(0, 1 - (2 * below) / 2 ** count);
}
