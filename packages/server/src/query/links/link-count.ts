/**
 * SQL: counts links that differ in these columns, because a span sent twice has its links twice.
 * Exact up to `MAX_EXACT_COUNT`, an estimate beyond it (1 %): an exact count of 3 million links
 * takes 190 MiB, the default memory limit of a query; this one takes 1 MiB.
 */
export function compileLinkCount(columns: string): string {
  return `uniq(${columns})`
}

export const MAX_EXACT_COUNT = 30_000
