import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Stands for a bank, a warehouse or a model that takes its time: between `from` and `to`
 * milliseconds.
 */
export async function work(from: number, to: number): Promise<void> {
  await sleep(from + Math.random() * (to - from))
}
