import kafkajs from 'kafkajs'

/** A topic of one partition that takes messages of 8 MiB. */
export async function createLargeTopic(brokers: readonly string[], topic: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  const configEntries = [{ name: 'max.message.bytes', value: String(8 * 2 ** 20) }]
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1, configEntries }] })
  await admin.disconnect()
}
