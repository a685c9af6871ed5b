import { context } from '@opentelemetry/api'
import { replaceMethod } from '../core/clients/override.ts'
import { createSettlement } from '../core/clients/settlement.ts'
import type { Instrumentation } from '../core/instrumentation.ts'
import type { Settlement } from '../core/telemetry.ts'
import { withErrorType } from './errors.ts'
import type { ClientSettings } from './settings.ts'
import type { RdkafkaCallback, RdkafkaConsumer, RdkafkaProducer } from './types.ts'

/**
 * Traces commits. The spans of `commit` and `commitMessage` end when the commit is queued, the
 * others with the broker's response.
 */
export function traceRdkafkaCommits(
  consumer: RdkafkaConsumer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const { commitCb } = consumer
  const settlement = (offsets: unknown): Settlement => createSettlement('commit', offsets, settings)
  for (const name of ['commit', 'commitMessage', 'commitSync', 'commitMessageSync'] as const) {
    const original = consumer[name]
    const isMessage = name.startsWith('commitMessage')
    replaceMethod(consumer, name, (...args) => {
      const offset = isMessage ? getOffset(args[0]) : undefined
      return settleSync(instrumentation, { ...settlement(args[0]), offset }, () => original.apply(consumer, args))
    })
  }
  if (commitCb) {
    replaceMethod(consumer, 'commitCb', (...args) =>
      settleByCallback(instrumentation, settlement(args[0]), args, (passed) => commitCb.apply(consumer, passed)),
    )
  }
}

function getOffset(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null || !('offset' in message)) return undefined
  return typeof message.offset === 'number' ? message.offset : undefined
}

/** Traces how transactions end, under the names they have with Confluent's KafkaJS API. */
export function traceRdkafkaTransactions(
  producer: RdkafkaProducer,
  instrumentation: Instrumentation,
  settings: ClientSettings,
): void {
  const { clientId } = settings
  const settlements = {
    commitTransaction: () => ({ operationName: 'commit_transaction', clientId }),
    abortTransaction: () => ({ operationName: 'abort_transaction', clientId }),
    sendOffsetsToTransaction: (offsets: unknown) => createSettlement('send_offsets', offsets, { clientId }),
  }
  for (const name of ['commitTransaction', 'abortTransaction', 'sendOffsetsToTransaction'] as const) {
    const original = producer[name]
    if (!original) continue
    replaceMethod(producer, name, (...args) =>
      settleByCallback(instrumentation, settlements[name](args[0]), args, (passed) => original.apply(producer, passed)),
    )
  }
}

/** Runs `call` in a settle span and returns its own promise. */
export function settleAsync<R>(
  instrumentation: Instrumentation,
  settlement: Settlement,
  call: () => Promise<R>,
): Promise<R> {
  let result: Promise<R> | undefined
  const settled = instrumentation.settle(settlement, () => {
    result = call()
    return result.catch((error: unknown) => {
      throw withErrorType(error)
    })
  })
  // The application handles `result`; this promise is for the span only.
  settled.catch(() => {})
  return result ?? settled
}

/** Runs a synchronous `call` in a settle span. */
function settleSync<R>(instrumentation: Instrumentation, settlement: Settlement, call: () => R): R {
  let thrown: { readonly error: unknown } | undefined
  try {
    return instrumentation.settle(settlement, () => {
      try {
        return call()
      } catch (error) {
        thrown = { error }
        throw withErrorType(error)
      }
    })
  } catch (error) {
    throw thrown ? thrown.error : error
  }
}

/** Runs `call` in a settle span that ends when the last function among `args` is called back. */
function settleByCallback<R>(
  instrumentation: Instrumentation,
  settlement: Settlement,
  args: unknown[],
  call: (args: unknown[]) => R,
): R {
  const at = args.findLastIndex((arg) => typeof arg === 'function')
  if (at < 0) return instrumentation.settle(settlement, () => call(args))
  const callback = context.bind(context.active(), args[at] as RdkafkaCallback)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const tracedCallback: RdkafkaCallback = (error, ...results) => {
    if (error) reject(withErrorType(error))
    else resolve()
    return callback(error, ...results)
  }
  let result: R
  const settled = instrumentation.settle(settlement, () => {
    result = call(args.with(at, tracedCallback))
    return promise
  })
  settled.catch(() => {})
  return result!
}
