import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

/** Describes the machine and its load before the measurement. */
export function describeMachine(): string[] {
  const [load = 0] = loadavg()
  return [
    `machine         ${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `load before     ${load.toFixed(1)} (processes running or waiting, one minute's average)`,
    `node            ${process.version}, ${process.platform} ${process.arch}`,
  ]
}
