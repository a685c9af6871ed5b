/**
 * The rows on screen in their order, with their newest content. Fresh rows after them are appended;
 * fresh rows before or between them are only counted.
 */
export function holdRows<T>(shown: readonly T[], fresh: readonly T[], keyOf: (row: T) => string) {
  const known = new Set(shown.map(keyOf))
  const freshByKey = new Map(fresh.map((row) => [keyOf(row), row]))
  const lastKnown = fresh.findLastIndex((row) => known.has(keyOf(row)))
  const isNew = (row: T): boolean => !known.has(keyOf(row))
  const appended = lastKnown < 0 ? [] : fresh.slice(lastKnown + 1)
  return {
    rows: [...shown.map((row) => freshByKey.get(keyOf(row)) ?? row), ...appended],
    /** Number of fresh rows that would move the rows on screen. */
    newCount: (lastKnown < 0 ? fresh : fresh.slice(0, lastKnown)).filter(isNew).length,
  }
}
