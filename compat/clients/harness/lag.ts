import type { SpanlinkServer } from '@spanlink/testkit/spanlink'
import type { KafkaState } from './kafka-state.ts'

/**
 * Sends the broker's lag of each group and topic as the Collector's kafkametrics receiver does. It
 * is no client of its own: the receiver is not published as a Go module that can be built from
 * outside its repository.
 */
export async function exportLag(
  spanlink: SpanlinkServer,
  state: KafkaState,
  subscriptions: readonly { readonly group: string; readonly topic: string }[],
): Promise<void> {
  const timeUnixNano = `${Date.now()}000000`
  const dataPoints = await Promise.all(
    subscriptions.map(async ({ group, topic }) => ({
      timeUnixNano,
      asInt: String((await state.endOffset(topic)) - (await state.committedOffset(group, topic))),
      attributes: [
        { key: 'group', value: { stringValue: group } },
        { key: 'topic', value: { stringValue: topic } },
        { key: 'partition', value: { intValue: '0' } },
      ],
    })),
  )
  const metrics = [{ name: 'kafka.consumer_group.lag', unit: '1', gauge: { dataPoints } }]
  const response = await fetch(`${spanlink.otlpHttp}/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ scope: { name: 'kafkametrics' }, metrics }] }] }),
  })
  if (!response.ok) throw new Error(`POST /v1/metrics: ${response.status} ${await response.text()}`)
}
