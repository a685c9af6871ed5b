import { DURATION_PATTERN } from '@spanlink/api-schema/duration'

/** Filters with form fields; the rest of TraceQL is typed. */
export const SIMPLE_FILTERS = ['service', 'operation', 'minDuration', 'maxDuration', 'status'] as const

export type SimpleFilters = { readonly [name in (typeof SIMPLE_FILTERS)[number]]?: string }

const STRING = '("(?:[^"\\\\]|\\\\.)*")'
const LENGTH = `(${DURATION_PATTERN})`
const CONDITIONS: Readonly<Record<keyof SimpleFilters, { pattern: RegExp; write: (value: string) => string }>> = {
  service: {
    pattern: new RegExp(`^resource\\.service\\.name\\s*=\\s*${STRING}$`),
    write: (service) => `resource.service.name = ${JSON.stringify(service)}`,
  },
  operation: {
    pattern: new RegExp(`^(?:span:)?name\\s*=\\s*${STRING}$`),
    write: (name) => `name = ${JSON.stringify(name)}`,
  },
  minDuration: {
    pattern: new RegExp(`^(?:span:)?duration\\s*>=\\s*${LENGTH}$`),
    write: (duration) => `duration >= ${duration}`,
  },
  maxDuration: {
    pattern: new RegExp(`^(?:span:)?duration\\s*<=\\s*${LENGTH}$`),
    write: (duration) => `duration <= ${duration}`,
  },
  status: {
    pattern: /^(?:span:)?status\s*=\s*(error|ok|unset)$/,
    write: (status) => `status = ${status}`,
  },
}

/** The query of these filters; empty without filters. */
export function buildQuery(filters: SimpleFilters): string {
  const conditions = buildConditions(filters)
  return conditions.length === 0 ? '' : `{ ${conditions.join(' && ')} }`
}

/**
 * The filters that a query contains and its other conditions. `rest` is undefined if the query is
 * more than conditions joined by `&&`.
 */
export function filtersInQuery(text: string): {
  readonly filters: SimpleFilters
  readonly rest: readonly string[] | undefined
} {
  const parts = parseConjunction(text)
  if (parts === undefined) return { filters: {}, rest: undefined }
  const filters: { -readonly [name in keyof SimpleFilters]: string } = {}
  const rest = parts.filter((part) => {
    const name = SIMPLE_FILTERS.find((name) => filters[name] === undefined && CONDITIONS[name].pattern.test(part))
    const value = name === undefined ? undefined : parseLiteral(CONDITIONS[name].pattern.exec(part)?.[1] ?? '')
    if (name === undefined || value === undefined) return true
    filters[name] = value
    return false
  })
  return { filters, rest }
}

/** The query with changed filters; undefined removes a filter. */
export function withFilters(text: string, change: SimpleFilters): string {
  const { filters, rest } = filtersInQuery(text)
  return joinConditions(text, buildConditions({ ...filters, ...change }), rest)
}

/** The query narrowed by a condition. */
export function withCondition(text: string, condition: string): string {
  const { filters, rest } = filtersInQuery(text)
  return joinConditions(text, [...buildConditions(filters), condition], rest)
}

function joinConditions(text: string, conditions: readonly string[], rest: readonly string[] | undefined): string {
  if (rest !== undefined) {
    const all = [...conditions, ...rest]
    return all.length === 0 ? '' : `{ ${all.join(' && ')} }`
  }
  // For structural operators, unions and pipelines, the filters narrow the first spanset.
  const added = conditions.join(' && ')
  return added === ''
    ? text
    : text.replace(/\{(\s*)(\}?)/, (_, space: string, end: string) =>
        end === '' ? `{ ${added} && ${space.trimStart()}` : `{ ${added} }`,
      )
}

function buildConditions(filters: SimpleFilters): string[] {
  return SIMPLE_FILTERS.flatMap((name) => {
    const value = filters[name]
    return value === undefined ? [] : [CONDITIONS[name].write(value)]
  })
}

function parseLiteral(literal: string): string | undefined {
  if (!literal.startsWith('"')) return literal
  try {
    return String(JSON.parse(literal))
  } catch {
    return undefined
  }
}

/** The conditions of `{ a && b }`; undefined for any other query. */
function parseConjunction(text: string): readonly string[] | undefined {
  if (text.trim() === '') return []
  const inner = /^\s*\{([\s\S]*)\}\s*$/.exec(text)?.[1]
  if (inner === undefined) return undefined
  const parts = ['']
  for (const [token] of inner.matchAll(/"(?:[^"\\]|\\.)*"|`[^`]*`|&&|[\s\S]/g)) {
    if (/^[(){}|]$/.test(token)) return undefined
    if (token === '&&') parts.push('')
    else parts[parts.length - 1] += token
  }
  const conditions = parts.map((part) => part.trim())
  if (conditions.length === 1 && conditions[0] === '') return []
  return conditions.includes('') ? undefined : conditions
}
