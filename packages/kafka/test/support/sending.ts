import type { OutgoingFormat, SendOperation } from '@spanlink/kafka'

export interface PlainMessage {
  readonly key?: unknown
  readonly value?: unknown
  readonly partition?: number
  readonly headers?: unknown
}

export const PLAIN_FORMAT: OutgoingFormat<PlainMessage> = {
  read: (message) => message,
  withHeaders: (message, headers) => ({ ...message, headers }),
}

export function sendOf(topic: string, messages: readonly PlainMessage[]): SendOperation<PlainMessage> {
  return { topic, messages, format: PLAIN_FORMAT }
}
