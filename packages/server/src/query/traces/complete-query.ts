import type { CompletionResponse, CompletionQuery } from '@spanlink/api-schema'
import type { QueryOptions, Store } from '../../clickhouse/store.ts'
import { parseTimeRange } from './search-by-query.ts'
import { parseChecked } from '../../traceql/analyze/check.ts'
import { complete } from '../../traceql/complete/complete.ts'
import { TraceQLError } from '../../traceql/syntax/errors.ts'
import { listAttributeKeys } from '../../traceql/complete/attribute-keys.ts'
import { listAttributeValues } from '../../traceql/complete/attribute-values.ts'
import { parsePartialCondition } from '../../traceql/analyze/span-condition.ts'

type Option = CompletionResponse['options'][number]

const MAX_OPTIONS = 100

/**
 * Completes a query at the caret, with attribute names and values, and finds its error.
 */
export async function completeQuery(
  store: Store,
  query: CompletionQuery,
  options: QueryOptions,
): Promise<CompletionResponse> {
  const found = complete(query.q, Math.min(query.caret, query.q.length))
  const isClosed = found.valuesOf?.quoted === true && query.q.charAt(found.to) === query.q.charAt(found.from)
  const to = found.to + (isClosed ? 1 : 0)
  // The word at the caret is not a condition yet.
  const others = `${query.q.slice(0, found.from)} ${query.q.slice(to)}`
  const names = { ...parseTimeRange(query), ...options, limit: MAX_OPTIONS, condition: parsePartialCondition(others) }
  const head = query.q.slice(found.from, query.caret)
  const [keys, values] = await Promise.all([
    found.keys === undefined ? [] : listKeyOptions(store, found.keys, head, names),
    found.valuesOf === undefined ? [] : listValueOptions(store, found.valuesOf, head, names),
  ])
  const all = [...found.options.filter(({ kind }) => kind === 'value'), ...values, ...keys, ...found.options]
  return {
    from: found.from,
    to,
    options: [...new Map(all.map((option) => [option.text, option])).values()].slice(0, MAX_OPTIONS),
    ...findError(query.q),
  }
}

type Names = Parameters<typeof listAttributeKeys>[1]
type Completion = ReturnType<typeof complete>

async function listKeyOptions(
  store: Store,
  wanted: NonNullable<Completion['keys']>,
  head: string,
  names: Names,
): Promise<Option[]> {
  const { scope, parent, prefix } = wanted
  const { found } = await listAttributeKeys(store, { ...names, prefix, ...(scope === 'any' ? {} : { scope }) })
  return found.map(({ field, scope: own }) => {
    const bare = field.slice(own.length)
    const text = parent ? `parent${scope === 'any' ? bare : `.${field}`}` : head.startsWith('.') ? bare : field
    return { text, kind: 'attribute' as const }
  })
}

async function listValueOptions(
  store: Store,
  { field, quoted }: NonNullable<Completion['valuesOf']>,
  head: string,
  names: Names,
): Promise<Option[]> {
  // Keywords, and values that are useless in a list, have no suggestions.
  if (/^(span:)?(status|kind)$|duration|timeSinceStart|count$|id$/i.test(field) && !field.includes('.')) return []
  const prefix = quoted ? head.slice(1) : ''
  const { found } = await listAttributeValues(store, field, { ...names, prefix }).catch((error: unknown) => {
    if (error instanceof TraceQLError && error.code !== 'limit') return { found: [] }
    throw error
  })
  return found
    .filter((text) => text.length <= 200)
    .map((text) => ({ text: !quoted && isLiteral(text) ? text : JSON.stringify(text), kind: 'value' as const }))
}

function isLiteral(text: string): boolean {
  return /^-?\d{1,15}(\.\d+)?$|^(true|false)$/.test(text)
}

function findError(text: string): Pick<CompletionResponse, 'error'> {
  if (text.trim() === '') return {}
  try {
    parseChecked(text)
    return {}
  } catch (error) {
    if (!(error instanceof TraceQLError)) throw error
    return { error: { message: error.message, from: error.from ?? 0, to: error.to ?? text.length } }
  }
}
