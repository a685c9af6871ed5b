import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { safely } from '../core/diagnostics.ts'

// What @platformatic/kafka publishes about an operation, under `tracing:plt:kafka:<name>:`
//
// start synchronously in the call, before anything is serialized
// error it failed: thrown, or before the callback gets the error
// asyncStart it is done, failed or not, before the callback runs
//
// with one object for all three. Node makes an error that a subscriber throws an uncaught
// exception, so none may.

/** Callbacks for the end of an operation; one of them is called once. */
export interface Outcome {
  endSend(result: unknown): void
  fail(error: unknown): void
}

export type Unsubscribe = () => void

/** Calls `begin` when an operation starts, and its outcome when the operation ends. */
export function watchOperations<E extends object>(name: string, begin: (event: E) => Outcome | undefined): Unsubscribe {
  const outcomes = new WeakMap<object, Outcome>()
  const done = (event: E, notify: (outcome: Outcome) => void): void => {
    const outcome = outcomes.get(event)
    if (outcome === undefined) return
    outcomes.delete(event)
    notify(outcome)
  }
  const subscriptions = [
    watchChannel<E>(`tracing:plt:kafka:${name}:start`, (event) => {
      const outcome = begin(event)
      if (outcome !== undefined) outcomes.set(event, outcome)
    }),
    watchChannel<E>(`tracing:plt:kafka:${name}:error`, (event) => {
      done(event, (outcome) => outcome.fail((event as { readonly error?: unknown }).error))
    }),
    watchChannel<E>(`tracing:plt:kafka:${name}:asyncStart`, (event) => {
      done(event, (outcome) => outcome.endSend((event as { readonly result?: unknown }).result))
    }),
  ]
  return () => subscriptions.forEach((end) => end())
}

/** Subscribes `listener`; its errors are reported and not thrown. */
export function watchChannel<E>(name: string, listener: (event: E) => void): Unsubscribe {
  const guarded = (event: unknown): void => safely(`follow ${name}`, () => listener(event as E))
  subscribe(name, guarded)
  return () => unsubscribe(name, guarded)
}
