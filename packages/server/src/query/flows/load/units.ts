import { findSpan, type FlowLink, type FlowSpanRow, toSpanRef, type FlowSpanRef } from '../flow-span.ts'
import { type CutTraces, cutIntoLanes, type LaneSpan } from '../lanes.ts'

/**
 * The part of a trace that a cause leads to: a span that carries links or starts a lane, with its
 * descendants down to the next such span. A batch with a single span is one unit, for any number of
 * producers. If each message of a batch has its own span, each is a unit.
 */
export type Unit = {
  readonly traceId: string
  readonly laneId: string
  /** The enclosing unit in the same lane. */
  readonly outer: Unit | undefined
  /**
   * Targets of its links, and its producer if the unit is that span's child. Empty for the part of
   * a lane outside other units.
   */
  readonly causes: readonly FlowSpanRef[]
}

/**
 * A trace divided into units. If none of its spans is stored, it has an empty `main` unit, and
 * units for the links it carries.
 */
export type UnitTrace = {
  readonly traceId: string
  readonly cut: CutTraces
  /** All links that the trace carries or that point at it. */
  readonly links: readonly FlowLink[]
  readonly main: Unit
  /** Includes `main`. */
  readonly units: readonly Unit[]
  readonly unitOfSpan: ReadonlyMap<LaneSpan, Unit>
  /** Units of spans that carry links but are not stored, by span id. */
  readonly unplaced: ReadonlyMap<string, Unit>
  /** Effects of a unit: carriers of links to it, and consumers that are its children. */
  readonly effects: ReadonlyMap<Unit, readonly FlowSpanRef[]>
}

export function divideTrace(traceId: string, rows: readonly FlowSpanRow[], links: readonly FlowLink[]): UnitTrace {
  const cut = cutIntoLanes(rows, links)
  const carried = Map.groupBy(
    links.filter(({ carrier }) => carrier.traceId === traceId),
    ({ carrier }) => toUnitKey(carrier),
  )
  const causeOf = new Map(cut.cuts.map(({ from, to }) => [toUnitKey(to), from]))
  const main: Unit = { traceId, laneId: traceId, outer: undefined, causes: [] }
  const units = [main]
  const unitOfSpan = new Map<LaneSpan, Unit>()
  const unplaced = new Map<string, Unit>()
  for (const { id, spans } of cut.lanes) {
    // Parents precede their children.
    for (const one of spans) {
      const identity = toUnitKey(toSpanRef(one.span))
      const isHead = one.parent === undefined && id !== traceId
      const outer = one.parent === undefined ? (isHead ? undefined : main) : unitOfSpan.get(one.parent)
      const targets = carried.get(identity)?.map(({ target }) => target) ?? []
      const isUnit = isHead || targets.length > 0
      const parent = isHead ? causeOf.get(identity) : undefined
      const causes = parent === undefined ? targets : [parent, ...targets]
      const unit = isUnit ? { traceId, laneId: id, outer, causes } : (outer ?? main)
      if (isUnit) units.push(unit)
      unitOfSpan.set(one, unit)
    }
  }
  for (const [first, ...others] of carried.values()) {
    if (first === undefined || findSpan(cut.spans, first.carrier) !== undefined) continue
    const unit = { traceId, laneId: traceId, outer: main, causes: [first, ...others].map(({ target }) => target) }
    units.push(unit)
    unplaced.set(first.carrier.spanId, unit)
  }
  const effects = new Map<Unit, FlowSpanRef[]>()
  const trace = { traceId, cut, links, main, units, unitOfSpan, effects, unplaced }
  const addEffect = (cause: FlowSpanRef, effect: FlowSpanRef): void => {
    const unit = findUnit(trace, cause)
    const known = effects.get(unit)
    if (known === undefined) effects.set(unit, [effect])
    else known.push(effect)
  }
  for (const { carrier, target } of links) if (target.traceId === traceId) addEffect(target, carrier)
  for (const { from, to } of cut.cuts) addEffect(from, to)
  return trace
}

/** A span that is not stored belongs to `main`, unless it is known to carry links. */
export function findUnit(trace: UnitTrace, ref: FlowSpanRef): Unit {
  const span = findSpan(trace.cut.spans, ref)
  return (span && trace.unitOfSpan.get(span)) ?? trace.unplaced.get(ref.spanId) ?? trace.main
}

function toUnitKey({ spanId, identity }: FlowSpanRef): string {
  return `${spanId} ${identity}`
}

/**
 * Returns the spans that caused a unit. A unit without causes, such as a job around other units,
 * has the causes of its lane from outside the lane. Empty if nothing before the unit is known.
 */
export function findCauses(trace: UnitTrace, unit: Unit): readonly FlowSpanRef[] {
  const isOwn = (ref: FlowSpanRef, of: Unit): boolean => ref.traceId === trace.traceId && findUnit(trace, ref) === of
  const causes = unit.causes.filter((ref) => !isOwn(ref, unit))
  if (causes.length > 0) return causes
  const isInLane = (ref: FlowSpanRef): boolean =>
    ref.traceId === trace.traceId && findUnit(trace, ref).laneId === unit.laneId
  return trace.units
    .filter((one) => one.laneId === unit.laneId)
    .flatMap((one) => one.causes.filter((ref) => !isInLane(ref)))
}
