// app.mjs as a CommonJS module.
const { run } = require('./clients.cjs')

const packages = {
  kafkajs: 'kafkajs',
  confluent: '@confluentinc/kafka-javascript',
  'node-rdkafka': 'node-rdkafka',
  'confluent-rdkafka': '@confluentinc/kafka-javascript',
  platformatic: '@platformatic/kafka',
}
const [name] = process.argv.slice(2)
void run(name, require(packages[name]))
