// A shop: an order is an event; its price is asked of another service (prices.ts), which answers
// over Kafka, too.
//
// Decorators need a compiler, and Node runs this file as it is: so they are called. With one,
// `@EventPattern('nest-orders')` it is.
import 'reflect-metadata'
import { Controller, Inject, Module } from '@nestjs/common'
import type { ClientKafka } from '@nestjs/microservices'
import { EventPattern, Payload } from '@nestjs/microservices'
import { trace } from '@opentelemetry/api'
import { firstValueFrom } from 'rxjs'
import { TracedClientKafka } from './traced-transport.ts'

export const TOPICS = ['nest-orders', 'nest-price', 'nest-price.reply'] as const
export const brokers = (process.env['KAFKA_BROKERS'] ?? 'localhost:9092').split(',')

/** Resolved when the first order has its price. */
export const priced = Promise.withResolvers<void>()

export interface Order {
  readonly item: string
}

class OrdersController {
  readonly #prices: ClientKafka

  constructor(prices: ClientKafka) {
    this.#prices = prices
  }

  /** Runs inside of the process span of `nest-orders`. */
  async placed({ item }: Order): Promise<void> {
    const price = await firstValueFrom(this.#prices.send<number>('nest-price', { item }))
    trace.getActiveSpan()?.setAttribute('app.price', Number(price))
    process.stdout.write(`${item} costs ${price}\n`)
    priced.resolve()
  }
}

const { prototype } = OrdersController
Controller()(OrdersController)
Inject('PRICES')(OrdersController, undefined, 0)
EventPattern('nest-orders')(prototype, 'placed', Object.getOwnPropertyDescriptor(prototype, 'placed')!)
Payload()(prototype, 'placed', 0)

export class ShopModule {
  async onModuleDestroy(): Promise<void> {
    await prices.close()
  }
}

const prices = new TracedClientKafka({
  client: { clientId: 'shop', brokers },
  consumer: { groupId: 'shop-prices' },
})

Module({
  controllers: [OrdersController],
  providers: [
    {
      provide: 'PRICES',
      useFactory: async () => {
        prices.subscribeToResponseOf('nest-price')
        await prices.connect()
        return prices
      },
    },
  ],
})(ShopModule)
