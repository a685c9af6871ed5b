import { describe } from 'vitest'
import { confluentClient } from './behaviour/confluent-client.ts'
import { describeBadInput } from './behaviour/describe-bad-input.ts'
import { kafkaJSClient } from './behaviour/kafkajs-client.ts'
import { platformaticClient } from './behaviour/platformatic-client.ts'
import { nativeClient } from './support/native-client.ts'

const { client, isMissing } = nativeClient<typeof import('@confluentinc/kafka-javascript')>(
  '@confluentinc/kafka-javascript',
)

describeBadInput(kafkaJSClient)
describeBadInput(platformaticClient)
describe.skipIf(isMissing)('@confluentinc/kafka-javascript', () => {
  describeBadInput(confluentClient(client))
})
