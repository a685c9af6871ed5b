import type { KeyValue } from '@spanlink/contract'
import { attributeNamed } from './attribute-text.ts'

/** Where in Kafka the linked message was. Older spellings of the conventions are read too. */
export interface LinkPlace {
  readonly topic?: string
  readonly partition?: string
  readonly offset?: string
  readonly key?: string
}

export function linkPlace(attributes: readonly KeyValue[]): LinkPlace {
  return {
    topic: attributeNamed(attributes, 'messaging.destination.name', 'messaging.destination'),
    partition: attributeNamed(
      attributes,
      'messaging.destination.partition.id',
      'messaging.kafka.destination.partition',
      'messaging.kafka.partition',
    ),
    offset: attributeNamed(attributes, 'messaging.kafka.offset', 'messaging.kafka.message.offset'),
    key: attributeNamed(attributes, 'messaging.kafka.message.key'),
  }
}

/** `orders · partition 3 · offset 1042`: topic, partition, offset, as far as they are known. */
export function linkPlaceText(place: LinkPlace): string {
  const at = place.partition === undefined ? '' : ` · partition ${place.partition}`
  const offset = place.offset === undefined ? '' : ` · offset ${place.offset}`
  return place.topic === undefined ? `${at}${offset}`.slice(3) : `${place.topic}${at}${offset}`
}
