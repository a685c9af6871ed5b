import type { SpanlinkServer } from './spanlink.ts'

/** The fields of `GET /api/traces/:traceId` that examples test. */
export interface StoredSpan {
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly links: readonly { readonly spanId: string }[]
}

export interface StoredTrace {
  readonly spans: readonly StoredSpan[]
}

/**
 * Waits for all traces of a server: until they have `enough` spans or match the condition, and the
 * journal is empty. An export may span several segments, and links are stored after spans. The
 * test's timeout ends the wait.
 */
export async function storedTraces(
  spanlink: SpanlinkServer,
  enough: number | ((traces: readonly StoredTrace[]) => boolean),
): Promise<readonly StoredTrace[]> {
  const isEnough =
    typeof enough === 'function'
      ? enough
      : (traces: readonly StoredTrace[]) => traces.reduce((sum, { spans }) => sum + spans.length, 0) >= enough
  for (;;) {
    const { journal } = await fetchPart<{ readonly journal: { readonly segments: number } }>('/api/status')
    const { traces } = await fetchPart<{ readonly traces: readonly { readonly traceId: string }[] }>('/api/traces')
    const all = await Promise.all(traces.map(({ traceId }) => fetchPart<StoredTrace>(`/api/traces/${traceId}`)))
    if (journal.segments === 0 && isEnough(all)) return all
    await new Promise((resolve) => setTimeout(resolve, 100))
  }

  async function fetchPart<T>(path: string): Promise<T> {
    return (await spanlink.getJson(path)) as T
  }
}

/**
 * Waits until all acknowledged data is stored, with links and rollups. The test's timeout ends the
 * wait.
 */
export async function waitUntilStored(spanlink: SpanlinkServer): Promise<void> {
  for (;;) {
    const { journal } = (await spanlink.getJson('/api/status')) as { readonly journal: { readonly segments: number } }
    if (journal.segments === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Names of a trace's spans, sorted. */
export function spanNames({ spans }: StoredTrace): string[] {
  return spans.map(({ name }) => name).toSorted()
}
