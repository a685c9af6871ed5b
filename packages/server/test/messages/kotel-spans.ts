import { linkTo, type Parts, span, type TestSpan } from '../flow/kafka-spans.ts'

/**
 * `LinkSpans()` makes three traces of a message: publish, receive, which links to it, and process,
 * which links to receive.
 */
export type KotelMode = 'child' | 'LinkSpans'

type Position = { readonly partition: number; readonly offset: number }

export function kotelPublish(topic: string, position: Position, parts: Parts): TestSpan {
  return span({
    name: `${topic} publish`,
    kind: 4,
    ...parts,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.destination.kind': 'topic',
      'messaging.destination.name': topic,
      'messaging.operation': 'publish',
      'messaging.kafka.message.key': 'order-1',
      'messaging.kafka.destination.partition': position.partition,
      'messaging.kafka.message.offset': position.offset,
    },
  })
}

/** kotel 1.7.1 (tracer.go): `receive` in the prefetch buffer, then `process` by the application. */
export function kotelConsume(
  published: TestSpan,
  {
    topic,
    group,
    position,
    mode,
    at,
  }: {
    readonly topic: string
    readonly group: string
    readonly position: Position
    readonly mode: KotelMode
    readonly at: number
  },
  processed: Partial<Parts> = {},
): { readonly receive: TestSpan; readonly process: TestSpan } {
  const attributes = (operation: string): Parts['attributes'] => ({
    'messaging.system': 'kafka',
    'messaging.source.kind': 'topic',
    'messaging.source.name': topic,
    'messaging.operation': operation,
    'messaging.kafka.message.key': 'order-1',
    'messaging.kafka.consumer.group': group,
    'messaging.kafka.source.partition': position.partition,
    'messaging.kafka.message.offset': position.offset,
  })
  const under = (cause: TestSpan): Partial<Parts> => (mode === 'child' ? { in: cause } : { links: [linkTo(cause)] })
  const receive = span({
    name: `${topic} receive`,
    kind: 5,
    at,
    for: 5,
    ...under(published),
    attributes: attributes('receive'),
  })
  const process = span({
    name: `${topic} process`,
    kind: 5,
    at: at + 6,
    for: 40,
    ...under(receive),
    ...processed,
    attributes: attributes('process'),
  })
  return { receive, process }
}
