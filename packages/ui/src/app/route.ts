import { withParams } from '../lib/query-params.ts'

/** A span that a link was followed from. */
export interface Breadcrumb {
  readonly traceId: string
  readonly spanId: string
  readonly service: string
  readonly name: string
}

export interface PageState {
  readonly path: string
  readonly search: string
  /** Stored in the history entry, so it survives Back, Forward and reload. */
  readonly trail: readonly Breadcrumb[]
  /** ID of the history entry; empty for the entry the page was loaded with. */
  readonly entry: string
}

export type Route =
  | { readonly page: 'traces' | 'messages' | 'topology' | 'metrics' | 'logs'; readonly query: URLSearchParams }
  | { readonly page: 'trace'; readonly traceId: string; readonly spanId: string | undefined }
  | { readonly page: 'flow'; readonly traceId: string; readonly search: string }
  | { readonly page: 'connect' }
  | { readonly page: 'unknown'; readonly path: string }

export function parseRoute(at: Pick<PageState, 'path' | 'search'>): Route {
  const query = new URLSearchParams(at.search)
  if (at.path === '/') return { page: 'traces', query }
  const page = (['traces', 'messages', 'topology', 'metrics', 'logs'] as const).find((name) => at.path === `/${name}`)
  if (page !== undefined) return { page, query }
  if (at.path === '/connect') return { page: 'connect' }
  const flow = /^\/flow\/([^/]+)\/?$/.exec(at.path)?.[1]
  if (flow !== undefined) return { page: 'flow', traceId: flow.toLowerCase(), search: at.search }
  const trace = /^\/trace\/([^/]+)\/?$/.exec(at.path)?.[1]
  if (trace !== undefined) {
    return {
      page: 'trace',
      traceId: trace.toLowerCase(),
      spanId: query.get('span')?.toLowerCase() ?? undefined,
    }
  }
  return { page: 'unknown', path: at.path }
}

export function traceUrl(traceId: string, spanId?: string): string {
  const path = `trace/${encodeURIComponent(traceId)}`
  return spanId === undefined || spanId === '' ? path : `${path}?span=${encodeURIComponent(spanId)}`
}

export function tracesUrl(query: Readonly<Record<string, string | undefined>>): string {
  return withParams('./', query)
}

/** History state is untrusted: browser extensions write to it too. */
export function readTrail(state: unknown): readonly Breadcrumb[] {
  if (typeof state !== 'object' || state === null || !('trail' in state) || !Array.isArray(state.trail)) return []
  return state.trail.filter(isBreadcrumb)
}

export function readEntry(state: unknown): string {
  const entry = typeof state === 'object' && state !== null && 'entry' in state ? state.entry : ''
  return typeof entry === 'string' ? entry : ''
}

function isBreadcrumb(value: unknown): value is Breadcrumb {
  return (
    typeof value === 'object' &&
    value !== null &&
    ['traceId', 'spanId', 'service', 'name'].every((key) => typeof Reflect.get(value, key) === 'string')
  )
}
