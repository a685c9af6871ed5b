import type { TextMapPropagator } from '@opentelemetry/api'
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3'
import { createKafkaTelemetry } from '@spanlink/kafka'
import { describe, expect, test } from 'vitest'
import { idOf, useRecordedSpans, w3cPropagator } from './support/recorded-spans.ts'
import { CompositePropagator } from './support/sdk.ts'
import { sendOf } from './support/sending.ts'
import type { PlainMessage } from './support/sending.ts'

const spans = useRecordedSpans()

const B3_MULTI = ['x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled']

const propagators: readonly (readonly [name: string, propagator: TextMapPropagator, headers: readonly string[]])[] = [
  ['W3C trace context and baggage', w3cPropagator(), ['traceparent']],
  ['B3 in one header', new B3Propagator(), ['b3']],
  ['B3 in several headers', new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }), B3_MULTI],
  [
    'W3C and B3 together',
    new CompositePropagator({ propagators: [w3cPropagator(), new B3Propagator()] }),
    ['b3', 'traceparent'],
  ],
]

describe.each(propagators)('%s', (_, propagator, headers) => {
  const telemetry = createKafkaTelemetry({ propagator })

  function sent(message: PlainMessage): PlainMessage {
    let out: PlainMessage | undefined
    telemetry.send(sendOf('orders', [message]), ([given]) => (out = given))
    return out!
  }
  const namesOf = (message: PlainMessage) => Object.keys(message.headers as object).toSorted()
  const wire = (message: PlainMessage) => ({
    ...message,
    headers: Object.fromEntries(
      Object.entries(message.headers as Record<string, string>).map(([k, v]) => [k, Buffer.from(v)]),
    ),
  })

  test('a message carries the headers of the propagator, and its consumer links to the send span', () => {
    const message = sent({ value: 'v' })
    expect(namesOf(message)).toEqual([...headers].toSorted())
    telemetry.process(wire(message), () => {}, { source: { topic: 'orders', partition: 0 } })
    expect(spans.only('process orders').links.map((link) => idOf(link.context))).toEqual([
      idOf(spans.only('send orders')),
    ])
  })

  test('a forwarded message carries only the context of its last producer', () => {
    const consumed = wire(sent({ value: 'v', headers: { kept: 'yes' } }))
    let forwarded: PlainMessage | undefined
    telemetry.process(consumed, () => (forwarded = sent({ value: 'v', headers: consumed.headers })), {
      source: { topic: 'orders', partition: 0 },
    })
    expect(namesOf(forwarded!)).toEqual([...headers, 'kept'].toSorted())
    const [, resend] = spans.named('send orders')
    telemetry.process(wire(forwarded!), () => {}, { source: { topic: 'orders', partition: 0 } })
    const [, second] = spans.named('process orders')
    expect(second!.links.map((link) => idOf(link.context))).toEqual([idOf(resend!)])
  })
})
