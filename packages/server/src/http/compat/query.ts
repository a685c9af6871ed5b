import type { FastifyRequest } from 'fastify'
import { InvalidParameterError } from '../../query/sql/invalid-parameter.ts'

/** Query parameters of an API with string values only. */
export type TextQuery = Readonly<Record<string, string | readonly string[] | undefined>>

export function getQuery(request: FastifyRequest): TextQuery {
  return request.query as TextQuery
}

/** Returns the first value of a parameter under any of its names. Empty values count as absent. */
export function getText(query: TextQuery, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const [first] = getTexts(query, name)
    if (first !== undefined) return first
  }
  return undefined
}

export function getTexts(query: TextQuery, name: string): readonly string[] {
  const value = query[name] ?? []
  return (typeof value === 'string' ? [value] : value).filter((text) => text !== '')
}

/** Parses the parameter under any of its names. */
export function parseCount(
  query: TextQuery,
  names: readonly string[],
  { missing, zero, max }: { readonly missing: number; readonly zero: number; readonly max: number },
): number {
  const text = getText(query, ...names)
  if (text === undefined) return missing
  const [name = ''] = names
  if (!/^[0-9]{1,9}$/.test(text)) throw new InvalidParameterError(name, `invalid ${name}: expected a whole number`)
  if (Number(text) > max) throw new InvalidParameterError(name, `invalid ${name}: expected at most ${max}`)
  return Number(text) || zero
}
