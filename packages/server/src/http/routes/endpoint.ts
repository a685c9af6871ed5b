import type { Static, TSchema } from 'typebox'

/**
 * An endpoint of the native API: the schemas that Fastify validates with, the OpenAPI description
 * and the handler.
 */
export type Endpoint = {
  /** OpenAPI's form: `/api/traces/{traceId}`. */
  readonly path: string
  readonly summary: string
  readonly params?: TSchema
  readonly query?: TSchema
  readonly response: TSchema
  /** Returns the body, or a status with a body. `undefined` is 404. */
  readonly handle: (request: EndpointRequest) => Promise<EndpointResponse>
}

type EndpointRequest = {
  readonly params: unknown
  readonly query: unknown
  /** Host of the URL that the client used, without the port; '' if unknown. */
  readonly requestHost: string
  /** Aborted when the client disconnects. */
  readonly signal: AbortSignal
}

export type EndpointResponse =
  | { readonly status: 200 | 503; readonly body: unknown }
  | { readonly status: 404; readonly detail: string; readonly missingParts?: true }

type TypedEndpoint<Params extends TSchema, Query extends TSchema, Response extends TSchema> = Omit<
  Endpoint,
  'params' | 'query' | 'response' | 'handle'
> & {
  readonly params?: Params
  readonly query?: Query
  readonly response: Response
  readonly handle: (request: {
    readonly params: Static<Params>
    readonly query: Static<Query>
    readonly requestHost: string
    readonly signal: AbortSignal
  }) => Promise<
    { readonly status: 200 | 503; readonly body: Static<Response> } | { readonly status: 404; readonly detail: string }
  >
}

/** Types a handler by the schemas that Fastify validates its requests with. */
export function endpoint<Params extends TSchema, Query extends TSchema, Response extends TSchema>(
  typed: TypedEndpoint<Params, Query, Response>,
): Endpoint {
  return typed as unknown as Endpoint
}

type NotFound = { readonly status: 404; readonly detail: string }

/** @param detail a sentence, such as `Metric x not found.` */
export function createNotFound(detail: string): NotFound {
  return { status: 404, detail }
}

export function createTraceNotFound(traceId: string): NotFound {
  return createNotFound(`Trace ${traceId} not found.`)
}
