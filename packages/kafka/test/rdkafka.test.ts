import { describe } from 'vitest'
import type { Rdkafka } from './behaviour/rdkafka-clients.ts'
import { describeRdkafka } from './behaviour/describe-rdkafka.ts'
import { nativeClient } from './support/native-client.ts'

const { client, isMissing } = nativeClient<Rdkafka>('node-rdkafka')

describe.skipIf(isMissing)('node-rdkafka', () => {
  describeRdkafka(client, { unknownPartition: 'Error', hasCommitCb: false })
})
