import { expect, test } from 'vitest'
import { prometheusName } from './prometheus-name.ts'

test.each([
  ['my_metrics', '', 'sum', 'my_metrics_total'],
  ['foo.bar', 'By', 'sum', 'foo_bar_bytes_total'],
  ['messaging.client.operation.duration', 's', 'histogram', 'messaging_client_operation_duration_seconds'],
  ['messaging.client.sent.messages', '{message}', 'sum', 'messaging_client_sent_messages_total'],
  ['total.requests', '1', 'sum', 'requests_total'],
  ['cpu.utilization', '1', 'gauge', 'cpu_utilization_ratio'],
  ['disk.io', 'By/s', 'gauge', 'disk_io_bytes_per_second'],
  ['lag', '{message}/s', 'gauge', 'lag_per_second'],
  ['size.bytes', 'By', 'gauge', 'size_bytes'],
  ['3.tries--left', '', 'gauge', '_3_tries_left'],
  ['odd', 'furlong', 'gauge', 'odd_furlong'],
  ['temperature', 'constructor', 'gauge', 'temperature_constructor'],
] as const)('the OTLP metric %s in %s of type %s is %s in Prometheus', (name, unit, type, expected) => {
  expect(prometheusName({ name, unit, type, monotonic: true })).toBe(expected)
})

test('a non-monotonic sum has no _total suffix', () => {
  expect(prometheusName({ name: 'queue.size', unit: '', type: 'sum', monotonic: false })).toBe('queue_size')
})
