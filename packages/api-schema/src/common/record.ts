import { Type, type Static } from 'typebox'
import { describe } from './describe.ts'

export const RecordMetadata = describe(
  'Kafka record metadata: where a message is stored, and its key. Strings as sent; empty where unknown.',
  Type.Object({
    cluster: describe('Id of the Kafka cluster.', Type.String()),
    topic: Type.String(),
    partition: Type.String(),
    offset: Type.String(),
    key: Type.String(),
  }),
)
export type RecordMetadata = Static<typeof RecordMetadata>
