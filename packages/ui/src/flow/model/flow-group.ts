import type { FlowModel } from './flow-model.ts'

/** Statistics of the lanes in a group row, in nanoseconds. */
export function computeGroupStatistics(model: FlowModel, members: readonly number[]) {
  const duration = (lane: number): number => (model.end[lane] ?? 0) - (model.start[lane] ?? 0)
  const queueTimes = members.flatMap((lane) => {
    const known = model.edges[model.parentEdge[lane] ?? -1]?.edge.queueTimeNano
    return known === undefined || known === null ? [] : [Number(known)]
  })
  return {
    count: members.length,
    spanCount: members.reduce((sum, lane) => sum + (model.lanes[lane]?.spanCount ?? 0), 0),
    errorCount: members.reduce((sum, lane) => sum + (model.lanes[lane]?.errorCount ?? 0), 0),
    failedLanes: members.filter((lane) => (model.lanes[lane]?.errorCount ?? 0) > 0).length,
    duration: computeSpread(members.map(duration)),
    /** Queue times of the messages that started the lanes; undefined if none is known. */
    queueTime: queueTimes.length === 0 ? undefined : computeSpread(queueTimes),
    start: members.reduce((min, lane) => Math.min(min, model.start[lane] ?? 0), Infinity),
    end: members.reduce((max, lane) => Math.max(max, model.end[lane] ?? 0), 0),
    hasPath: members.some((lane) => model.onPath[lane] === 1),
  }
}

/** Quantiles by nearest rank: each value is the time of an existing lane. */
function computeSpread(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { min: at(0), median: at(0.5), p95: at(0.95), max: at(1) }
}
