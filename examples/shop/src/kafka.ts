// The one place where the shop's Kafka is traced.
import { traceKafkaJS } from '@spanlink/kafka'
import { Kafka, logLevel } from 'kafkajs'

/**
 * Every producer and consumer made from this is traced. `link`: each consumer's work is a trace of
 * its own that points back at the span which sent the message. `parent`: one trace through all
 * services.
 */
export const kafka = traceKafkaJS(
  new Kafka({
    clientId: process.env['OTEL_SERVICE_NAME'],
    brokers: (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(','),
    logLevel: logLevel.ERROR,
  }),
  {
    correlation: process.env['SHOP_CORRELATION'] === 'parent' ? 'parent' : 'link',
    // Set by the gateway, carried by every message of the order, and on every span of it.
    baggageAttributes: ['shop.customer.tier'],
  },
)
