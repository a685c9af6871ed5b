import { Worker } from 'node:worker_threads'

/**
 * Measures how much longer work takes than the CPU time it needs, on a thread of this process
 * beside the attack: the calibration of timings on a machine that other processes share. At least
 * 1.
 */
export function watchSlowdown(): { stop: () => Promise<number> } {
  const ratios: number[] = []
  const worker = new Worker(PROBE, { eval: true })
  worker.on('message', (ratio: number) => ratios.push(ratio))
  return {
    stop: async () => {
      await worker.terminate()
      const sorted = ratios.toSorted((a, b) => a - b)
      return Math.max(1, sorted[Math.floor(sorted.length * 0.9)] ?? 1)
    },
  }
}

const PROBE = `
  const { parentPort } = require('node:worker_threads')
  const PROBE_CPU_MS = 10
  setInterval(() => {
    const startedAt = performance.now()
    const before = process.threadCpuUsage()
    let cpuMs = 0
    while (cpuMs < PROBE_CPU_MS) {
      const { user, system } = process.threadCpuUsage(before)
      cpuMs = (user + system) / 1000
    }
    parentPort.postMessage((performance.now() - startedAt) / cpuMs)
  }, 200)
`
