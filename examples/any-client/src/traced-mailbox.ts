// All there is to an adapter: how a message is read, how it is copied with other headers, and where
// a call of the client is one of the conventions' operations.
import { createKafkaTelemetry } from '@spanlink/kafka'
import type { KafkaTelemetryOptions, MessageSource, OutgoingFormat, ReceivedMessage } from '@spanlink/kafka'
import type { Headers, Letter, Mailbox, ReceivedLetter } from './mailbox.ts'

export interface TracedMailbox extends Omit<Mailbox, 'poll'> {
  /** The next letters, handled one after the other. */
  handle(handler: (letter: ReceivedLetter) => Promise<void>): Promise<void>
}

/**
 * The carrier: pairs are a shape that Spanlink knows, and what it adds must be bytes as the others
 * are.
 */
const LETTERS: OutgoingFormat<Letter> = {
  // An empty list, so that headers keep the shape of a list.
  read: ({ body, headers = [] }) => ({ value: body, headers: headers.length > 0 ? headers : new Map() }),
  withHeaders: (letter, headers) => ({ ...letter, headers: [...(headers as Iterable<Headers[number]>)] }),
  encoding: { value: (text) => Buffer.from(text) },
}

export function traceMailbox(mailbox: Mailbox, reader: string, options?: KafkaTelemetryOptions): TracedMailbox {
  const telemetry = createKafkaTelemetry(options)
  const topic = mailbox.name

  // One object per partition: what its spans have in common is computed once.
  const sources = new Map<number, MessageSource>()
  const getSource = ({ partition }: ReceivedLetter['position']): MessageSource => {
    let source = sources.get(partition)
    if (source === undefined) sources.set(partition, (source = { topic, partition, groupId: reader, clientId: reader }))
    return source
  }

  return {
    name: topic,
    // A Send span, a Create span for each of several letters, and their contexts in copies of the
    // letters.
    post: (letters) =>
      telemetry.send({ topic, messages: letters, format: LETTERS, clientId: reader }, mailbox.post, (places) => places),

    async handle(handler) {
      const startTime = Date.now()
      const letters = await mailbox.poll()
      const [first] = letters
      if (first === undefined) return
      const source = getSource(first.position)
      // A Receive span with links to all producers, from the start of the poll ...
      const ambient = telemetry.receive(letters.map(asMessage), { source, startTime })
      for (const letter of letters) {
        // ... and below it a Process span for each letter, which ends with the handler and has its
        // error.
        await telemetry.process(asMessage(letter), () => handler(letter), { source, context: ambient })
      }
    },

    // A Settle span, below the Process span if that is where it is called.
    acknowledge: (letter) =>
      telemetry.settle({ ...getSource(letter.position), offset: letter.position.offset }, () =>
        mailbox.acknowledge(letter),
      ),

    [Symbol.asyncDispose]: () => mailbox[Symbol.asyncDispose](),
  }
}

function asMessage({ body, headers, position, stampedAt }: ReceivedLetter): ReceivedMessage {
  return { value: body, headers, offset: position.offset, timestamp: stampedAt }
}
