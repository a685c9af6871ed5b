import type { Static, TSchema } from 'typebox'
import type { RouteRole } from '../../access/roles.ts'
import type { QueryOptions } from '../../clickhouse/store.ts'

/**
 * An endpoint of the native API: the schemas that Fastify validates with, the OpenAPI description
 * and the handler.
 */
export type Endpoint = {
  /** OpenAPI's form: `/api/traces/{traceId}`. */
  readonly path: string
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly role: RouteRole
  readonly summary: string
  readonly params?: TSchema
  readonly query?: TSchema
  readonly response: TSchema
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

type TypedRequest<Params extends TSchema, Query extends TSchema> = {
  /** In lower case: ids are stored so. */
  readonly params: Static<Params>
  readonly query: Static<Query>
  readonly requestHost: string
  readonly options: QueryOptions
}

type Definition<Params extends TSchema, Query extends TSchema, Response extends TSchema> = {
  readonly path: string
  readonly method?: Endpoint['method']
  readonly role: RouteRole
  readonly summary: string
  readonly params?: Params
  readonly query?: Query
  readonly response: Response
  /** `undefined` is 404. */
  readonly find: (request: TypedRequest<Params, Query>) => Promise<Static<Response> | undefined>
  /** Detail of the 404, a sentence. */
  readonly notFound?: (request: TypedRequest<Params, Query>) => string
}

/** Types a handler by the schemas that Fastify validates its requests with. */
export function endpoint<Params extends TSchema, Query extends TSchema, Response extends TSchema>({
  find,
  notFound = () => 'Not found.',
  ...described
}: Definition<Params, Query, Response>): Endpoint {
  return {
    ...described,
    handle: async ({ params, query, requestHost, signal }) => {
      const request = { params: toLowerCase(params), query, requestHost, options: { signal } }
      const typed = request as TypedRequest<Params, Query>
      const body = await find(typed)
      return body === undefined ? { status: 404, detail: notFound(typed) } : { status: 200, body }
    },
  }
}

function toLowerCase(params: unknown): object {
  return Object.fromEntries(Object.entries(params ?? {}).map(([name, value]) => [name, String(value).toLowerCase()]))
}
