import { isTooHeavy } from '../../clickhouse/store-error.ts'

/** A larger result is fetched in parts: only decoded rows are in memory together. */
export const RESULT_SETTINGS = ', max_result_bytes = 33554432, max_result_rows = 50000'

/** Fetches halves of what is too much for one result; calls `fetchOne` for one that is. */
export async function fetchInHalves<T>(
  all: readonly T[],
  fetch: (some: readonly T[]) => Promise<unknown>,
  fetchOne: (one: T) => Promise<unknown>,
): Promise<void> {
  const [first] = all
  if (first === undefined) return
  try {
    await fetch(all)
  } catch (error) {
    if (!isTooHeavy(error)) throw error
    if (all.length === 1) return void (await fetchOne(first))
    const half = all.length >> 1
    await fetchInHalves(all.slice(0, half), fetch, fetchOne)
    await fetchInHalves(all.slice(half), fetch, fetchOne)
  }
}
