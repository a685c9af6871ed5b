// What travels on the shop's topics, all of it JSON keyed by order id.
import { propagation } from '@opentelemetry/api'

export const topics = {
  orders: 'orders',
  payments: 'payments',
  stock: 'stock',
  paymentsDeadLetter: 'payments.dlq',
} as const

export interface Order {
  readonly orderId: string
  readonly customer: string
  /** In euros. */
  readonly amount: number
  readonly items: readonly { readonly sku: string; readonly count: number }[]
}

export interface Payment {
  readonly orderId: string
  readonly customer: string
  readonly amount: number
  readonly status: 'paid' | 'declined'
}

export interface Stock {
  readonly orderId: string
  readonly status: 'reserved' | 'out-of-stock'
}

/** The body of a message. Only the shop writes to these topics, so it is what its topic says. */
export function read<Body>(message: { readonly value: Buffer | null }): Body {
  return JSON.parse(message.value?.toString() ?? 'null') as Body
}

/**
 * Known to the gateway only; in every handler after it because baggage travels with the message.
 */
export function customerTier(): string {
  return propagation.getActiveBaggage()?.getEntry('shop.customer.tier')?.value ?? 'unknown'
}
