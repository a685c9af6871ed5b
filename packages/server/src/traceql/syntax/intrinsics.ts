/** The type of a field known before spans are read; attributes are `any`. */
export type FieldType = 'string' | 'number' | 'duration' | 'boolean' | 'status' | 'kind' | 'nil' | 'any'

/**
 * `span`: a column of the span. `event`, `link`: one of several per span. `scope`: the
 * instrumentation scope. `trace`: the whole trace, so the span's own row is not enough.
 */
type IntrinsicHome = 'span' | 'event' | 'link' | 'scope' | 'trace'

type IntrinsicInfo = { readonly type: FieldType; readonly home: IntrinsicHome }

/** Every intrinsic by its canonical (scoped) name. */
export const intrinsics = {
  'span:name': { type: 'string', home: 'span' },
  'span:status': { type: 'status', home: 'span' },
  'span:statusMessage': { type: 'string', home: 'span' },
  'span:kind': { type: 'kind', home: 'span' },
  'span:duration': { type: 'duration', home: 'span' },
  'span:id': { type: 'string', home: 'span' },
  'span:parentID': { type: 'string', home: 'span' },
  'span:childCount': { type: 'number', home: 'trace' },
  'trace:id': { type: 'string', home: 'span' },
  'trace:duration': { type: 'duration', home: 'trace' },
  'trace:rootName': { type: 'string', home: 'trace' },
  'trace:rootService': { type: 'string', home: 'trace' },
  'event:name': { type: 'string', home: 'event' },
  'event:timeSinceStart': { type: 'duration', home: 'event' },
  'link:traceID': { type: 'string', home: 'link' },
  'link:spanID': { type: 'string', home: 'link' },
  'instrumentation:name': { type: 'string', home: 'scope' },
  'instrumentation:version': { type: 'string', home: 'scope' },
  nestedSetParent: { type: 'number', home: 'trace' },
  nestedSetLeft: { type: 'number', home: 'trace' },
  nestedSetRight: { type: 'number', home: 'trace' },
} as const satisfies Record<string, IntrinsicInfo>

export type IntrinsicName = keyof typeof intrinsics

/** Tempo's older, unscoped names. */
const olderNames: Readonly<Record<string, IntrinsicName>> = {
  name: 'span:name',
  status: 'span:status',
  statusMessage: 'span:statusMessage',
  kind: 'span:kind',
  duration: 'span:duration',
  childCount: 'span:childCount',
  traceDuration: 'trace:duration',
  rootName: 'trace:rootName',
  rootServiceName: 'trace:rootService',
}

/** The name of an intrinsic in Tempo's responses, for any spelling in the query. */
export function toTempoName(name: string): string {
  if (name === 'span:childCount') return name
  return Object.entries(olderNames).find(([, scoped]) => scoped === name)?.[0] ?? name
}

export const intrinsicSpellings: readonly string[] = [...Object.keys(olderNames), ...Object.keys(intrinsics)]

export function findIntrinsic(word: string): IntrinsicName | undefined {
  if (Object.hasOwn(olderNames, word)) return olderNames[word]
  return isIntrinsic(word) ? word : undefined
}

function isIntrinsic(word: string): word is IntrinsicName {
  return Object.hasOwn(intrinsics, word)
}
