/** The parameters of these names; empty where they are missing. */
export function readParams<N extends string>(query: URLSearchParams, names: readonly N[]): Record<N, string> {
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? ''])) as Record<N, string>
}

/** Sets the parameters of these names that have a value. */
export function setParams<N extends string>(
  params: URLSearchParams,
  names: readonly N[],
  values: Partial<Readonly<Record<N, string>>>,
): void {
  for (const name of names) {
    const value = values[name]
    if (value !== undefined && value !== '') params.set(name, value)
  }
}
