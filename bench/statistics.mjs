/** The middle of the numbers. */
export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Where the middle half of the numbers lies. */
export function quartiles(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const outside = Math.floor((sorted.length - 1) / 4);
  return [sorted[outside], sorted[sorted.length - 1 - outside]];
}
