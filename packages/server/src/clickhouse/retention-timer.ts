import type { Log } from '../log.ts'
import type { Client } from './client.ts'
import { dropExpired } from './retention.ts'
import type { Retention } from './store.ts'

const RETENTION_INTERVAL_MS = 10 * 60 * 1000

/**
 * Applies the retention immediately and every 10 minutes. Returns a function that stops the timer.
 *
 * @param nodes clients of separate tables; `maxBytes` is divided equally among them
 */
export function startRetentionTimer(
  nodes: () => readonly Client[],
  retention: Retention | undefined,
  log: Log,
): () => void {
  if (retention?.keepSeconds === undefined && retention?.maxBytes === undefined) return () => {}
  const run = async (): Promise<void> => {
    const all = nodes()
    const each = { ...retention, maxBytes: (retention.maxBytes ?? Infinity) / all.length }
    for (const node of all) {
      try {
        const days = await dropExpired(node, each)
        if (days.length > 0) log(`Retention dropped the data of ${days.join(', ')}.`)
      } catch (error) {
        log(`Retention failed, next attempt in ten minutes: ${(error as Error).message}`, { level: 'error' })
      }
    }
  }
  void run()
  const timer = setInterval(() => void run(), RETENTION_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
