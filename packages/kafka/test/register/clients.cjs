// How each client sends one message and consumes it.
const { BROKERS, TOPIC: topic } = process.env
const brokers = BROKERS.split(',')
const groupId = `g-${topic}`

// Node finds no names in the exports of rdkafka's modules.
exports.run = (name, client) => clients[name](client.default ?? client)

const clients = {
  async kafkajs({ Kafka, Partitioners, logLevel }) {
    const kafka = Object.freeze(new Kafka({ brokers, clientId: 'app', logLevel: logLevel.NOTHING }))
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await producer.disconnect()
    const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await new Promise((resolve) => consumer.run({ eachMessage: async () => resolve() }))
    await consumer.disconnect()
  },

  async confluent({ KafkaJS }) {
    const kafka = new KafkaJS.Kafka({ kafkaJS: { brokers, clientId: 'app', logLevel: KafkaJS.logLevel.NOTHING } })
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'v' }] })
    await producer.disconnect()
    const consumer = kafka.consumer({ kafkaJS: { groupId, fromBeginning: true, maxWaitTimeInMs: 100 } })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    await new Promise((resolve) => consumer.run({ eachMessage: async () => resolve() }))
    await consumer.disconnect()
  },

  'node-rdkafka': rdkafka,
  'confluent-rdkafka': rdkafka,

  async platformatic({ Consumer, Producer, stringDeserializers, stringSerializers }) {
    const common = { clientId: 'app', bootstrapBrokers: brokers, retries: 50, retryDelay: 50 }
    const producer = new Producer({ ...common, serializers: stringSerializers })
    await producer.send({ messages: [{ topic, value: 'v' }] })
    await producer.close()
    const consumer = new Consumer({ ...common, groupId, deserializers: stringDeserializers, maxWaitTime: 100 })
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: false })
    for await (const message of stream) {
      // No handler to wrap. processMessage works without a reference to the tracing.
      const { processMessage } = await import('@spanlink/kafka')
      processMessage(message, () => {})
      break
    }
    await consumer.close(true)
  },
}

async function rdkafka({ KafkaConsumer, Producer }) {
  const common = { 'metadata.broker.list': BROKERS, 'client.id': 'app' }
  const producer = new Producer({ ...common, dr_cb: true })
  if (!(producer instanceof Producer)) throw new Error('a producer is no Producer any more')
  await opened(producer)
  producer.setPollInterval(10)
  await new Promise((resolve) => {
    producer.on('delivery-report', resolve)
    producer.produce(topic, 0, Buffer.from('v'))
  })
  await closed(producer)
  const consumer = new KafkaConsumer({ ...common, 'group.id': groupId }, { 'auto.offset.reset': 'earliest' })
  await opened(consumer)
  await new Promise((resolve) => {
    consumer.on('data', resolve)
    consumer.subscribe([topic])
    consumer.consume()
  })
  await closed(consumer)
}

async function opened(client) {
  await new Promise((resolve, reject) => client.connect({}, (error) => (error ? reject(error) : resolve())))
}

async function closed(client) {
  await new Promise((resolve) => client.disconnect(resolve))
}
