import type { RdkafkaClient } from './rdkafka-types.ts'
import { replaceMethod } from './replace-method.ts'

/** Handles an event before its listeners; `pass` calls them. */
export type EventInterceptor = (pass: () => boolean, ...args: readonly unknown[]) => boolean

/**
 * Sees events of `client` before all listeners, whenever and however those were added: `dr_cb` and the high level producer add theirs in
 * the constructor, and an application may prepend.
 */
export function interceptEvents(client: RdkafkaClient, interceptors: Readonly<Record<string, EventInterceptor>>): void {
  const { emit } = client
  const byEvent = new Map<unknown, EventInterceptor>(Object.entries(interceptors))
  replaceMethod(client, 'emit', (event, ...args) => {
    const pass = (): boolean => emit.call(client, event, ...args)
    const interceptor = byEvent.get(event)
    return interceptor ? interceptor(pass, ...args) : pass()
  })
}
