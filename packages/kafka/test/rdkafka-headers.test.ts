import { describe } from 'vitest'
import { describeRdkafkaHeaders } from './behaviour/describe-rdkafka-headers.ts'
import type { Rdkafka } from './behaviour/rdkafka-clients.ts'
import { nativeClient } from './support/native-client.ts'

const node = nativeClient<Rdkafka>('node-rdkafka')
const confluent = nativeClient<typeof import('@confluentinc/kafka-javascript')>('@confluentinc/kafka-javascript')

describe.skipIf(node.isMissing)('node-rdkafka', () => {
  describeRdkafkaHeaders(node.client)
})

describe.skipIf(confluent.isMissing)('the rdkafka API of @confluentinc/kafka-javascript', () => {
  describeRdkafkaHeaders(confluent.client)
})
