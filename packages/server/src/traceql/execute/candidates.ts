import { executeQuery } from './execute-query.ts'
import type { Pipeline, Spanset } from '../syntax/ast.ts'
import { compileSupersets, canDecideWithoutJoins, joinAnd } from '../sql/condition.ts'
import { filterByWindow, createUnjoinedRow, selectTraceIds } from '../sql/from.ts'
import { createParams } from '../sql/params.ts'
import { selectMatching } from '../sql/select-spans.ts'
import { isLinkOperation } from '../analyze/list-parts.ts'
import type { Plan } from '../analyze/plan.ts'
import type { Search } from './search.ts'

/**
 * Spans that a link operator matches, by trace; the search around it uses them like a filter.
 */
export type LinkMatches = ReadonlyMap<Spanset, ReadonlyMap<string, ReadonlySet<string>>>

export type CandidateBounds = {
  readonly start: bigint
  readonly end: bigint
  readonly limit: number
  /** Only these. */
  readonly within: readonly string[] | undefined
  /** Only traces after it in the order of the result. */
  readonly after?: Candidate | undefined
  /** Excludes traces that a window starting here finds too. */
  readonly foundSince?: bigint | undefined
}

/** `newest`: start of the newest span that a filter matches, Unix nanoseconds. */
export type Candidate = { readonly traceId: string; readonly newest: bigint }

/**
 * Finds traces that may match, newest first: those with spans for enough of the filters. One scan
 * of narrow columns inside the window, without joins and structure.
 */
export async function findCandidates(
  search: Search,
  plan: Plan,
  links: LinkMatches,
  bounds: CandidateBounds,
): Promise<Candidate[]> {
  if (bounds.within?.length === 0) return []
  const params = createParams()
  const row = createUnjoinedRow(params, bounds)
  const conditions = compileSupersets(plan.conditions, row)
  const inTraces = (ids: readonly string[]): string =>
    ids.length > 0 ? `trace_id in ${selectTraceIds(ids, params)}` : '0'
  const formula = compileFormula(plan.pipeline, plan, conditions.map(nameColumn), links, inTraces)
  const some = [...new Set([...conditions, ...formula.linked])]
  const isAny = some.includes('1')
  const within = bounds.within ? `s.trace_id in ${selectTraceIds(bounds.within, params)}` : '1'
  const known = plan.conditions.filter((condition) => condition !== undefined)
  const { select } = selectMatching(
    {
      row,
      window: filterByWindow('s', bounds.start, bounds.end, params),
      conditions: isAny || formula.linked.length > 0 ? [] : known,
    },
    row,
    joinAnd(within, isAny ? '1' : `(${some.join(' or ')})`),
  )
  const having = some.length > 1 ? [formula.sql] : []
  if (bounds.foundSince !== undefined) {
    const since = `start >= ${params.add('UInt64', String(bounds.foundSince))}`
    const ofThose = conditions.map((condition, at) => `(${nameColumn(condition, at)} and ${since})`)
    const found = compileFormula(plan.pipeline, plan, ofThose, links, (ids) => `(${inTraces(ids)} and ${since})`)
    having.push(`not ${found.sql}`)
  }
  if (bounds.after) {
    const newest = params.add('UInt64', String(bounds.after.newest))
    having.push(`(newest < ${newest} or newest = ${newest} and t > ${params.add('String', bounds.after.traceId)})`)
  }
  const matches = having.length === 0 ? [] : conditions.map((sql, at) => `, ${sql} as ${nameColumn(sql, at)}`)
  const rows = await executeQuery<{ t: string; newest: string }>(
    search,
    `select lower(hex(trace_id)) as t, max(start) as newest
    from (${select(`s.trace_id as trace_id, s.start as start${matches.filter((_, at) => conditions[at] !== '1').join('')}`)})
    group by trace_id ${having.length > 0 ? `having ${having.join(' and ')}` : ''}
    order by newest desc, t limit ${params.add('UInt32', bounds.limit)}`,
    params,
  )
  return rows.map(({ t, newest }) => ({ traceId: t, newest: BigInt(newest) }))
}

/** The column of a condition's result, or the condition if it is constant. */
function nameColumn(sql: string, at: number): string {
  return sql === '1' ? sql : `m${at}`
}

/** Whether every candidate matches, so that no extra candidates are needed. */
export function isExact(plan: Plan): boolean {
  const { source, stages } = plan.pipeline
  const [condition] = plan.conditions
  if (source.kind !== 'filter' || plan.conditions.length !== 1) return false
  if (stages.some((stage) => stage.kind === 'compare')) return false
  return condition === undefined || canDecideWithoutJoins(condition, createUnjoinedRow(createParams(), undefined))
}

type Formula = { readonly sql: string; readonly linked: readonly string[] }

/**
 * Compiles which filters a trace needs spans for. More spans never falsify it, so what holds inside
 * a window holds for the trace.
 */
function compileFormula(
  pipeline: Pipeline,
  plan: Plan,
  conditions: readonly string[],
  links: LinkMatches,
  inTraces: (ids: readonly string[]) => string,
): Formula {
  const linked: string[] = []
  const compileSpanset = (spanset: Spanset): string => {
    if (spanset.kind === 'filter') return `countIf(${conditions[plan.getConditionIndex(spanset)] ?? '1'}) > 0`
    if (spanset.kind === 'pipeline') return compilePipeline(spanset)
    if (isLinkOperation(spanset)) {
      const found = inTraces([...(links.get(spanset)?.keys() ?? [])])
      linked.push(found)
      return `countIf(${found}) > 0`
    }
    if (spanset.op.startsWith('!')) return compileSpanset(spanset.right)
    return `(${compileSpanset(spanset.left)} ${spanset.op === '||' ? 'or' : 'and'} ${compileSpanset(spanset.right)})`
  }
  const compilePipeline = (pipeline: Pipeline): string => {
    const parts = [compileSpanset(pipeline.source)]
    for (const stage of pipeline.stages) if (stage.kind === 'spanset') parts.push(compileSpanset(stage.spanset))
    return parts.length === 1 ? (parts[0] ?? '1') : `(${parts.join(' and ')})`
  }
  return { sql: compilePipeline(pipeline), linked }
}
