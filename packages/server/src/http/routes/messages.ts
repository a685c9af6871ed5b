import { MessagesResponse, MessagesParams, MessagesQuery } from '@spanlink/api-schema'
import { findMessages } from '../../query/messages/find-messages.ts'
import type { Store } from '../../clickhouse/store.ts'
import { type Endpoint, endpoint } from './endpoint.ts'

export function messagesEndpoints(store: Store): readonly Endpoint[] {
  return [
    endpoint({
      path: '/api/messages/{list}',
      summary: 'Messages that are unconsumed, late, redelivered, retried or dead-lettered',
      params: MessagesParams,
      query: MessagesQuery,
      response: MessagesResponse,
      handle: async ({ params, query, signal }) => ({
        status: 200,
        body: await findMessages(store, params.list, query, { signal }),
      }),
    }),
  ]
}
