// Nest's Kafka transport makes its kafkajs client in `createClient()`: the place to trace it, on
// either side.
import { ClientKafka, ServerKafka } from '@nestjs/microservices'
import { traceKafkaJS } from '@spanlink/kafka'
import type { Kafka } from 'kafkajs'

/** For `NestFactory.createMicroservice(…, { strategy: new TracedServerKafka(…) })`. */
export class TracedServerKafka extends ServerKafka {
  override async createClient<T = Kafka>(): Promise<T> {
    const kafka = await super.createClient<Kafka>()
    return traceKafkaJS(kafka) as T
  }
}

/**
 * For `ClientsModule.register([{ customClass: TracedClientKafka, … }])`, or a provider of your own.
 */
export class TracedClientKafka extends ClientKafka {
  override async createClient<T = Kafka>(): Promise<T> {
    const kafka = await super.createClient<Kafka>()
    return traceKafkaJS(kafka) as T
  }
}
