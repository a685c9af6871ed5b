import type { QueryParams } from '../../clickhouse/store.ts'

/**
 * The named parameters of one statement. Text of queries and rows goes here, never into the SQL.
 */
export type Params = {
  /**
   * Registers a value and returns its placeholder. Equal values share a parameter.
   */
  add(type: string, value: string | number | boolean | readonly (string | number)[]): string
  readonly values: QueryParams
}

export function createParams(): Params {
  const values: Record<string, string | number | boolean | readonly (string | number)[]> = {}
  const known = new Map<string, string>()
  return {
    values,
    add(type, value) {
      const identity = `${type} ${JSON.stringify(value)}`
      const placeholder = known.get(identity)
      if (placeholder !== undefined) return placeholder
      const name = `p${known.size}`
      values[name] = value
      known.set(identity, `{${name}:${type}}`)
      return `{${name}:${type}}`
    },
  }
}
