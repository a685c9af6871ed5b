import { describe } from 'vitest'
import { describeRdkafka } from './behaviour/describe-rdkafka.ts'
import { nativeClient } from './support/native-client.ts'

const { client, isMissing } = nativeClient<typeof import('@confluentinc/kafka-javascript')>(
  '@confluentinc/kafka-javascript',
)

describe.skipIf(isMissing)('the rdkafka API of @confluentinc/kafka-javascript', () => {
  describeRdkafka(client, { unknownPartition: 'ERR__UNKNOWN_PARTITION', hasCommitCb: true })
})
