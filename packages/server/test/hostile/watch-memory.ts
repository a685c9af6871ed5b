import { readdirSync, readFileSync } from 'node:fs'
import type { SpanlinkServer } from '@spanlink/testkit/spanlink'

const SAMPLE_EVERY_MS = 50

/**
 * Samples the resident memory of the receiver and its children, which are ClickHouse (Linux only).
 */
export function watchMemory(server: SpanlinkServer): { stop: () => number } {
  let peak = 0
  let children: number[] = []
  let samples = 0
  const sample = (): void => {
    // A restarted engine has another pid; the list of all processes is too long for every sample.
    if (samples++ % 10 === 0) children = childrenOf(server.pid)
    peak = Math.max(
      peak,
      [server.pid, ...children].reduce((sum, pid) => sum + residentBytes(pid), 0),
    )
  }
  const timer = setInterval(sample, SAMPLE_EVERY_MS)
  return {
    stop: () => {
      clearInterval(timer)
      sample()
      return peak
    },
  }
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readProc(`${pid}/status`))?.[1]
  return Number(kib ?? 0) * 1024
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      // The program's name is in brackets and may hold anything; state and parent follow the last
      // bracket.
      const stat = readProc(`${name}/stat`)
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
    })
    .map(Number)
}

/** Empty for a process that has ended. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}
