import { describeClient } from './behaviour/describe-client.ts'
import { kafkaJSClient } from './behaviour/kafkajs-client.ts'

describeClient(kafkaJSClient)
