import { context, trace } from '@opentelemetry/api'
import type { Settlement } from '../core/telemetry.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import { watchOperations, type Outcome, type Unsubscribe } from './channels.ts'
import { withErrorType } from './errors.ts'
import { createSettlement } from '../core/clients/settlement.ts'

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
export function watchSettlements(instrumentation: Instrumentation, clientId: string | undefined): Unsubscribe {
  const autocommitting = new WeakSet<object>()
  const settle = (settlement: Settlement): Outcome => startSettlement(instrumentation, settlement)
  const subscriptions = [
    watchOperations<ConsumeEvent>('consumer:consumes', ({ client, options }) => {
      if (options.autocommit) autocommitting.add(client)
      return undefined
    }),
    watchOperations<CommitEvent>('consumer:commits', ({ client, options }) => {
      if (autocommitting.has(client) && trace.getSpan(context.active()) === undefined) return undefined
      return settle(createSettlement('commit', options.offsets, toSettler(client, clientId)))
    }),
    watchOperations<TransactionEvent>('producer:transactions', ({ client, operation, message }) => {
      switch (operation) {
        case 'commitOffset':
          return settle({
            ...createSettlement('send_offsets', message, toSettler(client, clientId)),
            groupId: getGroupId(message?.metadata),
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

function toSettler({ clientId, groupId }: Client, configured: string | undefined): Client & Settlement {
  return { clientId: configured ?? clientId, groupId }
}

function getGroupId(metadata: unknown): string | undefined {
  const { consumer } = (metadata ?? {}) as { readonly consumer?: { readonly groupId?: string } }
  return consumer?.groupId
}

function startSettlement(instrumentation: Instrumentation, settlement: Settlement): Outcome {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // The client handles the result; this promise is for the span only.
  instrumentation.settle(settlement, () => promise).catch(() => {})
  return {
    endSend: () => resolve(),
    fail: (error) => reject(withErrorType(error) as Error),
  }
}
