import type { Pipeline, Scalar, Spanset, Stage } from '../syntax/ast.ts'
import type { LinkMatches } from '../execute/candidates.ts'
import { calculate, compareNumbers } from '../analyze/constant-folding.ts'
import { isLinkOperation } from '../analyze/list-parts.ts'
import type { Plan } from '../analyze/plan.ts'
import { type Label, toLabel } from '../metrics/labels.ts'
import type { TraceRows } from '../execute/trace-rows.ts'
import { combine, isEmpty, type Members, type Tree, buildTree, union } from './structure.ts'

/** Spans of one trace: all that matched, or one group of by(). */
export type SpansetResult = {
  readonly members: Members
  readonly group: readonly (Label | null)[]
  /** Values of the aggregates that stages compare. */
  readonly aggregates: ReadonlyMap<Scalar & { kind: 'aggregate' }, number>
}

/** Evaluates a pipeline over one trace; no spansets when the trace does not match. */
export function evaluateTrace(plan: Plan, trace: TraceRows, links: LinkMatches): readonly SpansetResult[] {
  let tree: Tree | undefined
  const context: Context = { plan, trace, links, tree: () => (tree ??= buildTree(trace)) }
  return evaluatePipeline(plan.pipeline, selectAll(trace), context)
}

type Context = {
  readonly plan: Plan
  readonly trace: TraceRows
  readonly links: LinkMatches
  tree(): Tree
}

function evaluatePipeline(pipeline: Pipeline, input: Members, context: Context): readonly SpansetResult[] {
  let spansets: readonly SpansetResult[] = [{ members: evaluateSpanset(pipeline.source, input, context), ...ungrouped }]
  for (const stage of pipeline.stages) {
    spansets = applyStage(
      stage,
      spansets.filter((spanset) => !isEmpty(spanset.members)),
      context,
    )
  }
  return spansets.filter((spanset) => !isEmpty(spanset.members))
}

function evaluateSpanset(spanset: Spanset, input: Members, context: Context): Members {
  switch (spanset.kind) {
    case 'filter': {
      const matches = context.plan.getConditionIndex(spanset)
      return intersect(input, context.trace.matches[matches] ?? input)
    }
    case 'pipeline':
      return evaluatePipeline(spanset, input, context).reduce(
        (all, { members }) => union(all, members),
        selectNone(input),
      )
    case 'operation': {
      if (isLinkOperation(spanset)) return selectLinkMatches(spanset, input, context)
      const left = evaluateSpanset(spanset.left, input, context)
      const right = evaluateSpanset(spanset.right, input, context)
      return combine(spanset.op, left, right, context.tree())
    }
  }
}

function selectLinkMatches(spanset: Spanset, input: Members, { links, trace }: Context): Members {
  const found = links.get(spanset)?.get(trace.traceId)
  return found ? input.map((member, at) => (member && found.has(trace.keys[at] ?? '') ? 1 : 0)) : selectNone(input)
}

function applyStage(stage: Stage, spansets: readonly SpansetResult[], context: Context): readonly SpansetResult[] {
  switch (stage.kind) {
    case 'spanset':
      return spansets.map((spanset) => ({
        ...spanset,
        members: evaluateSpanset(stage.spanset, spanset.members, context),
      }))
    case 'compare':
      return spansets.flatMap((spanset) => {
        const aggregates = new Map(spanset.aggregates)
        const scalar = (side: Scalar): number => evaluateScalar(side, spanset.members, context, aggregates)
        return compareNumbers(scalar(stage.left), stage.op, scalar(stage.right)) ? [{ ...spanset, aggregates }] : []
      })
    case 'by':
      return spansets.flatMap((spanset) =>
        groupBy(stage.fields.map(context.plan.getLabelIndex), spanset, context.trace),
      )
    case 'coalesce': {
      const [first, ...rest] = spansets
      return first
        ? [{ members: rest.reduce((all, { members }) => union(all, members), first.members), ...ungrouped }]
        : []
    }
    case 'select':
      return spansets
  }
}

function groupBy(fields: readonly number[], spanset: SpansetResult, trace: TraceRows): readonly SpansetResult[] {
  const groups = new Map<string, SpansetResult>()
  for (const [at, member] of spanset.members.entries()) {
    if (!member) continue
    const values = fields.map((field) => toLabel(trace.labels[field]?.[at]))
    const name = JSON.stringify(values.map((label) => label?.text ?? null))
    const known = groups.get(name) ?? {
      members: selectNone(spanset.members),
      group: [...spanset.group, ...values],
      aggregates: ungrouped.aggregates,
    }
    known.members[at] = 1
    groups.set(name, known)
  }
  return [...groups.values()]
}

const ungrouped = { group: [], aggregates: new Map<never, never>() }

/**
 * NaN when there is nothing to aggregate, so that no comparison holds.
 *
 * @param aggregates gets the value of each aggregate in it
 */
function evaluateScalar(
  scalar: Scalar,
  members: Members,
  context: Context,
  aggregates: Map<Scalar & { kind: 'aggregate' }, number>,
): number {
  switch (scalar.kind) {
    case 'number':
      return scalar.value
    case 'arithmetic':
      return calculate(
        scalar.op,
        evaluateScalar(scalar.left, members, context, aggregates),
        evaluateScalar(scalar.right, members, context, aggregates),
      )
    case 'aggregate': {
      const value = evaluateAggregate(scalar, members, context)
      aggregates.set(scalar, value)
      return value
    }
  }
}

function evaluateAggregate({ fn, field }: Scalar & { kind: 'aggregate' }, members: Members, context: Context): number {
  if (!field) return members.reduce((count, member) => count + member, 0)
  const column = context.trace.numbers[context.plan.getNumberIndex(field)] ?? []
  return aggregateNumbers(
    fn,
    column.filter((value, at): value is number => value !== undefined && members[at] === 1),
  )
}

/** Sum, average, minimum or maximum; NaN of nothing. */
export function aggregateNumbers(fn: string, values: readonly number[]): number {
  if (values.length === 0) return Number.NaN
  const sum = values.reduce((total, value) => total + value, 0)
  switch (fn) {
    case 'sum':
      return sum
    case 'avg':
      return sum / values.length
    case 'min':
      return values.reduce((min, value) => Math.min(min, value))
    default:
      return values.reduce((max, value) => Math.max(max, value))
  }
}

function selectAll(trace: TraceRows): Members {
  return new Uint8Array(trace.spans.length).fill(1)
}

function selectNone(like: Members): Members {
  return new Uint8Array(like.length)
}

function intersect(left: Members, right: Members): Members {
  return left.map((member, at) => member & (right[at] ?? 0))
}
