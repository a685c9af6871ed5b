import { describe } from 'vitest'
import { confluentClient } from './behaviour/confluent-client.ts'
import { describeBrokerAddress } from './behaviour/describe-broker-address.ts'
import { describeRdkafkaBrokerAddress } from './behaviour/describe-rdkafka-broker-address.ts'
import { kafkaJSClient } from './behaviour/kafkajs-client.ts'
import { platformaticClient } from './behaviour/platformatic-client.ts'
import type { Rdkafka } from './behaviour/rdkafka-clients.ts'
import { nativeClient } from './support/native-client.ts'

const { client, isMissing } = nativeClient<typeof import('@confluentinc/kafka-javascript')>(
  '@confluentinc/kafka-javascript',
)
const rdkafka = nativeClient<Rdkafka>('node-rdkafka')

describeBrokerAddress(kafkaJSClient)
describeBrokerAddress(platformaticClient)
describe.skipIf(isMissing)('@confluentinc/kafka-javascript', () => {
  describeBrokerAddress(confluentClient(client, { 'statistics.interval.ms': 100 }))
  describeRdkafkaBrokerAddress(client)
})
describe.skipIf(rdkafka.isMissing)('node-rdkafka', () => {
  describeRdkafkaBrokerAddress(rdkafka.client)
})
