// A price service that responds over Kafka.
import 'reflect-metadata'
import { Controller, Module } from '@nestjs/common'
import { MessagePattern, Payload } from '@nestjs/microservices'
import type { Order } from './shop.ts'

class PricesController {
  /**
   * Runs inside of the process span of `nest-price`; Nest sends what it returns to
   * `nest-price.reply`.
   */
  price({ item }: Order): string {
    return String(item.length)
  }
}

export class PricesModule {
  readonly name = 'prices'
}

const { prototype } = PricesController
Controller()(PricesController)
MessagePattern('nest-price')(prototype, 'price', Object.getOwnPropertyDescriptor(prototype, 'price')!)
Payload()(prototype, 'price', 0)
Module({ controllers: [PricesController] })(PricesModule)
