type ParamValues = Readonly<Record<string, string | false | undefined>>

/** The parameters of these names; empty where they are missing. */
export function readParams<N extends string>(query: URLSearchParams, names: readonly N[]): Record<N, string> {
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as Record<N, string>
}

/** Sets the parameters that have a value, in their order. */
export function setParams(params: URLSearchParams, values: ParamValues): void {
  for (const [name, value] of Object.entries(values)) if (value) params.set(name, value)
}

export function withParams(path: string, values: ParamValues): string {
  const params = new URLSearchParams()
  setParams(params, values)
  return params.size === 0 ? path : `${path}?${params}`
}
