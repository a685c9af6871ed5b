import { findSpan, type FlowLink, type FlowSpanRow, type FlowSpanRef } from '../flow-span.ts'
import { type LaneSection, splitIntoLanes, type TraceLanes } from '../lanes.ts'

/**
 * A trace divided into sections. If none of its spans is stored, it has an empty `rest` section,
 * and sections for the links it carries.
 */
export type DividedTrace = {
  readonly traceId: string
  readonly split: TraceLanes
  /** All links that the trace carries or that point at it. */
  readonly links: readonly FlowLink[]
  readonly rest: LaneSection
  /** Includes `rest`. */
  readonly sections: readonly LaneSection[]
  /** Sections of spans that carry links but are not stored, by span id. */
  readonly sectionsOfMissingSpans: ReadonlyMap<string, LaneSection>
  /** Effects of a section: spans that link to it, and consumers that are its children. */
  readonly effects: ReadonlyMap<LaneSection, readonly FlowSpanRef[]>
}

const NONE: readonly never[] = []

export function divideTrace(traceId: string, rows: readonly FlowSpanRow[], links: readonly FlowLink[]): DividedTrace {
  const carried = new Map<string, FlowLink[]>()
  for (const link of links) {
    if (link.linkingSpan.traceId !== traceId) continue
    const known = carried.get(link.linkingSpan.spanId)
    if (known === undefined) carried.set(link.linkingSpan.spanId, [link])
    else known.push(link)
  }
  const linksOf = ({ spanId, kindServiceKey }: FlowSpanRow): readonly FlowLink[] =>
    carried.get(spanId)?.filter(({ linkingSpan }) => linkingSpan.kindServiceKey === kindServiceKey) ?? NONE
  const rest: LaneSection = { traceId, laneId: traceId, outer: undefined, causes: [] }
  const split = splitIntoLanes(rows, linksOf, rest)
  const causeOf = new Map(split.boundaries.map(({ from, to }) => [to, from]))
  const sections = [rest]
  const sectionsOfMissingSpans = new Map<string, LaneSection>()
  for (const { id, spans } of split.lanes) {
    // Parents precede their children.
    for (const one of spans) {
      const isHead = one.parent === undefined && id !== traceId
      const outer = one.parent === undefined ? (isHead ? undefined : rest) : one.parent.section
      const own = linksOf(one.span)
      const targets = own.length === 0 ? NONE : own.map(({ target }) => target)
      const startsSection = isHead || targets.length > 0
      const parent = isHead ? causeOf.get(one.span) : undefined
      const causes = parent === undefined ? targets : [parent, ...targets]
      one.section = startsSection ? { traceId, laneId: id, outer, causes } : (outer ?? rest)
      if (startsSection) sections.push(one.section)
    }
  }
  for (const [first, ...others] of carried.values()) {
    if (first === undefined || findSpan(split.spans, first.linkingSpan) !== undefined) continue
    const section = { traceId, laneId: traceId, outer: rest, causes: [first, ...others].map(({ target }) => target) }
    sections.push(section)
    sectionsOfMissingSpans.set(first.linkingSpan.spanId, section)
  }
  const effects = new Map<LaneSection, FlowSpanRef[]>()
  const trace = { traceId, split, links, rest, sections, effects, sectionsOfMissingSpans }
  const addEffect = (cause: FlowSpanRef, effect: FlowSpanRef): void => {
    const section = findSection(trace, cause)
    const known = effects.get(section)
    if (known === undefined) effects.set(section, [effect])
    else known.push(effect)
  }
  for (const { linkingSpan, target } of links) if (target.traceId === traceId) addEffect(target, linkingSpan)
  for (const { from, to } of split.boundaries) addEffect(from, to)
  return trace
}

/** A span that is not stored belongs to `rest`, unless it is known to carry links. */
export function findSection(trace: DividedTrace, ref: FlowSpanRef): LaneSection {
  return findSpan(trace.split.spans, ref)?.section ?? trace.sectionsOfMissingSpans.get(ref.spanId) ?? trace.rest
}

/**
 * Returns the spans that caused a section. A section without causes, such as a job around other
 * sections, has the causes of its lane from outside the lane. Empty if nothing before the section
 * is known.
 */
export function findCauses(trace: DividedTrace, section: LaneSection): readonly FlowSpanRef[] {
  const isOwn = (ref: FlowSpanRef): boolean => ref.traceId === trace.traceId && findSection(trace, ref) === section
  const causes = section.causes.filter((ref) => !isOwn(ref))
  if (causes.length > 0) return causes
  const isInLane = (ref: FlowSpanRef): boolean =>
    ref.traceId === trace.traceId && findSection(trace, ref).laneId === section.laneId
  return trace.sections
    .filter((one) => one.laneId === section.laneId)
    .flatMap((one) => one.causes.filter((ref) => !isInLane(ref)))
}
