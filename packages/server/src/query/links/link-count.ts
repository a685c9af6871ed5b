/**
 * SQL: how many links differ in these columns, as a span that was sent twice has its links twice.
 * Exact up to `MAX_EXACT_COUNT`, an estimate beyond it (1 %): an exact count of 3 million links
 * takes 190 MiB, all that a query has by default; this one takes 1 MiB.
 */
export function compileLinkCount(columns: string): string {
  return `uniq(${columns})`
}

/** The same of those rows that a condition holds for. */
export function compileLinkCountIf(columns: string, condition: string): string {
  return `uniqIf((${columns}), ${condition})`
}

export const MAX_EXACT_COUNT = 30_000
