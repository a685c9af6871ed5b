import { Type, type Static } from 'typebox'

/** Where a message is stored, and its key. Strings as sent, '' where unknown. */
export const RecordMetadata = Type.Object({
  /** Id of the Kafka cluster. */
  cluster: Type.String(),
  topic: Type.String(),
  partition: Type.String(),
  offset: Type.String(),
  key: Type.String(),
})
export type RecordMetadata = Static<typeof RecordMetadata>
