import { describe } from 'vitest'
import { confluentClient } from './behaviour/confluent-client.ts'
import { describeClient } from './behaviour/describe-client.ts'
import { nativeClient } from './support/native-client.ts'

const { client, isMissing } = nativeClient<typeof import('@confluentinc/kafka-javascript')>(
  '@confluentinc/kafka-javascript',
)

describe.skipIf(isMissing)('@confluentinc/kafka-javascript', () => {
  describeClient(confluentClient(client))
})
