import type { Settlement } from '../core/settle.ts'
import type { KafkaTelemetry } from '../core/telemetry.ts'
import type { ClientSettings } from '../confluent/settings.ts'
import { offsetsSettlement, settleByCallback, settleSync } from './settle.ts'
import type { RdkafkaConsumer } from './types.ts'
import { replaceMethod } from '../core/clients/override.ts'

/**
 * Traces commits. `commit` and `commitMessage` only queue the commit, which is all that their spans
 * time; the others have the broker's answer.
 */
export function traceRdkafkaCommits(
  consumer: RdkafkaConsumer,
  telemetry: KafkaTelemetry,
  settings: ClientSettings,
): void {
  const { commitCb } = consumer
  const settlement = (offsets: unknown): Settlement => offsetsSettlement('commit', offsets, settings)
  for (const name of ['commit', 'commitMessage', 'commitSync', 'commitMessageSync'] as const) {
    const original = consumer[name]
    const isMessage = name.startsWith('commitMessage')
    replaceMethod(consumer, name, (...args) => {
      const offset = isMessage ? offsetOf(args[0]) : undefined
      return settleSync(telemetry, { ...settlement(args[0]), offset }, () => original.apply(consumer, args))
    })
  }
  if (commitCb) {
    replaceMethod(consumer, 'commitCb', (...args) =>
      settleByCallback(telemetry, settlement(args[0]), args, (passed) => commitCb.apply(consumer, passed)),
    )
  }
}

function offsetOf(message: unknown): number | undefined {
  if (typeof message !== 'object' || message === null || !('offset' in message)) return undefined
  return typeof message.offset === 'number' ? message.offset : undefined
}
