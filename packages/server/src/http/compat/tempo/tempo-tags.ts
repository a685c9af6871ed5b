import { listServices } from '../../../query/traces/names.ts'
import { TraceQLError } from '../../../traceql/syntax/errors.ts'
import { intrinsicSpellings } from '../../../traceql/syntax/intrinsics.ts'
import { listAttributeKeys } from '../../../traceql/complete/attribute-keys.ts'
import { listTypedValues } from '../../../traceql/complete/attribute-values.ts'
import type { Store } from '../../../clickhouse/store.ts'
import type { TagScope, TagValue } from './tempo-messages.ts'

type Names = Parameters<typeof listAttributeKeys>[1]

const SCOPES = ['resource', 'span', 'event', 'link', 'instrumentation'] as const

/** Finds attribute names by scope, and intrinsics: all, or those of one scope. */
export async function findTempoScopes(
  store: Store,
  wanted: string | undefined,
  names: Names,
): Promise<readonly TagScope[]> {
  const isAll = wanted === undefined || wanted === 'none'
  const scopes = await Promise.all(
    SCOPES.filter((scope) => isAll || scope === wanted).map(async (scope) => ({
      name: scope,
      tags: (await listAttributeKeys(store, { ...names, scope })).found.map(({ key }) => key),
    })),
  )
  return isAll || wanted === 'intrinsic' ? [...scopes, { name: 'intrinsic', tags: intrinsicSpellings }] : scopes
}

/** Finds values of a tag. Tags such as durations, which are not picked from a list, have none. */
export async function findTempoTagValues(store: Store, tag: string, names: Names): Promise<readonly TagValue[]> {
  const words = KEYWORDS[tag.replace(/^span:/, '')]
  if (words !== undefined) return words.map((value) => ({ type: 'keyword', value }))
  if (tag === 'rootServiceName' || tag === 'trace:rootService') {
    return (await listServices(store, names)).services.map((value) => ({ type: 'string', value }))
  }
  const field = tag === 'rootName' || tag === 'trace:rootName' ? 'name' : tag
  try {
    return (await listTypedValues(store, field, names)).found.map(({ text, type }) => ({
      type: TYPES[type] ?? 'string',
      value: text,
    }))
  } catch (error) {
    if (error instanceof TraceQLError && error.code !== 'limit') return []
    throw error
  }
}

const KEYWORDS: Readonly<Record<string, readonly string[]>> = {
  status: ['error', 'ok', 'unset'],
  kind: ['client', 'consumer', 'internal', 'producer', 'server', 'unspecified'],
}

/** Tempo's types for the type codes of `spans.attr_types`. Lists, maps and bytes are strings. */
const TYPES: Readonly<Record<string, TagValue['type']>> = { i: 'int', d: 'float', b: 'bool' }
