import type { QueryParams } from '../../clickhouse/store.ts'

export type Params = ReturnType<typeof createParams>

/** The named parameters of one statement. Text of queries and rows goes here, never into SQL. */
export function createParams() {
  const values: Record<string, QueryParams[string]> = {}
  const known = new Map<string, string>()
  return {
    values,
    /** Registers a value and returns its placeholder. Equal values share a parameter. */
    add(type: string, value: QueryParams[string]): string {
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
