import type { OutgoingMessage, StartedSend } from '../core/send.ts'
import { interceptEvents } from './intercept-events.ts'
import type { RdkafkaProducer } from './types.ts'

/** Sends that wait for their delivery report. */
export interface UnreportedSends {
  add(send: StartedSend<OutgoingMessage>): void
  /** Whether the send was still waiting; its spans are to be ended then. */
  remove(send: StartedSend<OutgoingMessage>): boolean
}

/**
 * Reports come while the producer polls. When it is disconnected those that still wait get none,
 * and fail.
 */
export function unreportedSends(producer: RdkafkaProducer): UnreportedSends {
  const waiting = new Set<StartedSend<OutgoingMessage>>()
  interceptEvents(producer, {
    disconnected(pass) {
      // One error for all: each would have a stack to format, and 100,000 sends may wait.
      const error = new Error(UNREPORTED)
      for (const send of waiting) send.fail(error)
      waiting.clear()
      return pass()
    },
  })
  return {
    add: (send) => void waiting.add(send),
    remove: (send) => waiting.delete(send),
  }
}

const UNREPORTED = 'the producer was disconnected before the record’s delivery report was polled'
