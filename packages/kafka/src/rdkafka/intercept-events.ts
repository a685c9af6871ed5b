import type { RdkafkaClient } from './types.ts'
import { replaceMethod } from '../core/clients/override.ts'

/** Handles an event before its listeners; `pass` calls them. */
export type EventInterceptor = (pass: () => boolean, ...args: readonly unknown[]) => boolean

/**
 * Intercepts events before all listeners: `dr_cb` and the high level producer add theirs in the
 * constructor. The last interceptor of an event runs first.
 */
export function interceptEvents(client: RdkafkaClient, interceptors: Readonly<Record<string, EventInterceptor>>): void {
  let byEvent = intercepted.get(client)
  if (byEvent === undefined) {
    byEvent = new Map()
    intercepted.set(client, byEvent)
    replaceEmit(client, byEvent)
  }
  for (const [event, interceptor] of Object.entries(interceptors)) {
    const before = byEvent.get(event)
    byEvent.set(event, before ? (pass, ...args) => interceptor(() => before(pass, ...args), ...args) : interceptor)
  }
}

// One map per client: `data` is emitted for every message.
const intercepted = new WeakMap<RdkafkaClient, Map<unknown, EventInterceptor>>()

function replaceEmit(client: RdkafkaClient, byEvent: ReadonlyMap<unknown, EventInterceptor>): void {
  const { emit } = client
  replaceMethod(client, 'emit', (event, ...args) => {
    const pass = (): boolean => emit.call(client, event, ...args)
    const interceptor = byEvent.get(event)
    return interceptor ? interceptor(pass, ...args) : pass()
  })
}
