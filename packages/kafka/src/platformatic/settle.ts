import { context, trace } from '@opentelemetry/api'
import type { Settlement } from '../core/settle.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import { watchOperations } from './channels.ts'
import type { Outcome, Unsubscribe } from './channels.ts'
import { withErrorType } from './errors.ts'
import { offsetsSettlement } from '../rdkafka/settle.ts'

interface Client {
  readonly clientId?: string
  readonly groupId?: string
}

interface CommitEvent {
  readonly client: Client
  readonly options: { readonly offsets?: readonly unknown[] }
}

interface ConsumeEvent {
  readonly client: Client
  /** With its defaults. */
  readonly options: { readonly autocommit?: boolean | number }
}

interface TransactionEvent {
  readonly client: Client
  readonly operation: string
  /** Of `commitOffset`. */
  readonly message?: { readonly topic?: string; readonly partition?: number; readonly metadata?: unknown }
}

/**
 * Traces commits and the ends of transactions.
 *
 * | the application calls                        | span                 |
 * |----------------------------------------------|----------------------|
 * | `message.commit()`, `consumer.commit()`      | `commit T`           |
 * | `transaction.addOffset(message)`             | `send_offsets T`     |
 * | `transaction.commit()`, `.abort()`           | `commit_transaction`, `abort_transaction` |
 *
 * Commits of a consumer that commits by itself, which nobody asked for, have no span.
 */
export function watchSettlements(telemetry: KafkaTelemetry, clientId: string | undefined): Unsubscribe {
  const autocommitting = new WeakSet<object>()
  const settle = (settlement: Settlement): Outcome => startSettlement(telemetry, settlement)
  const subscriptions = [
    watchOperations<ConsumeEvent>('consumer:consumes', ({ client, options }) => {
      if (options.autocommit) autocommitting.add(client)
      return undefined
    }),
    watchOperations<CommitEvent>('consumer:commits', ({ client, options }) => {
      if (autocommitting.has(client) && trace.getSpan(context.active()) === undefined) return undefined
      return settle(offsetsSettlement('commit', options.offsets, settlerOf(client, clientId)))
    }),
    watchOperations<TransactionEvent>('producer:transactions', ({ client, operation, message }) => {
      switch (operation) {
        case 'commitOffset':
          return settle({
            ...offsetsSettlement('send_offsets', message, settlerOf(client, clientId)),
            groupId: groupOf(message?.metadata),
          })
        case 'commit':
        case 'abort':
          return settle({ operationName: `${operation}_transaction`, clientId: clientId ?? client.clientId })
        default:
          return undefined
      }
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

function settlerOf({ clientId, groupId }: Client, configured: string | undefined): Client & Settlement {
  return { clientId: configured ?? clientId, groupId }
}

function groupOf(metadata: unknown): string | undefined {
  const { consumer } = (metadata ?? {}) as { readonly consumer?: { readonly groupId?: string } }
  return consumer?.groupId
}

function startSettlement(telemetry: KafkaTelemetry, settlement: Settlement): Outcome {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Its result is the client's to tell; this promise is only for the span.
  telemetry.settle(settlement, () => promise).catch(() => {})
  return {
    succeed: () => resolve(),
    fail: (error) => reject(withErrorType(error) as Error),
  }
}
