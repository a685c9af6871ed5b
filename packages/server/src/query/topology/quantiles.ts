/** Quantiles of at least one number, by nearest rank. Sorts the array in place. */
export function toQuantiles(numbers: number[]): readonly [p50: string, p95: string, p99: string] {
  numbers.sort((a, b) => a - b)
  const at = (share: number): string => String(numbers[Math.ceil(share * numbers.length) - 1] ?? 0)
  return [at(0.5), at(0.95), at(0.99)]
}
