import { vi } from 'vitest'

/** Vitest's default of 1 s is too short under load. */
const LIMIT = { timeout: 60_000, interval: 20 } as const

/** Calls `check` until it no longer throws. */
export async function waitFor<T>(check: () => T | Promise<T>): Promise<T> {
  return await vi.waitFor(check, LIMIT)
}

/** Calls `find` until its result is truthy, and returns that. */
export async function waitUntil<T>(find: () => T | Promise<T>) {
  return await vi.waitUntil(find, LIMIT)
}
