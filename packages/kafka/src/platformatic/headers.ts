import { safely, warnOnce } from '../core/diagnostics.ts'
import type { HeaderEncoding } from '../core/propagation/headers.ts'
import type { OutgoingFormat, OutgoingMessage } from '../core/telemetry.ts'

/** A message as `producer.send` takes it. */
export interface PlatformaticMessage extends OutgoingMessage {
  readonly topic: string
}

/**
 * How messages of one producer are read and copied. Header names and values go through the
 * producer's serializers, so what we add must be what those take: bytes where there are none (the
 * default), text where they are of text.
 */
export function createOutgoingFormat(producer: object): OutgoingFormat<PlatformaticMessage> {
  let key: ((text: string) => unknown) | undefined
  let value: ((text: string) => unknown) | undefined
  safely('find out which headers a producer takes', () => {
    const serializers = readSerializers(producer)
    key = chooseInput(serializers.headerKey)
    value = chooseInput(serializers.headerValue)
  })
  if (key === undefined || value === undefined) {
    warnOnce(
      "a producer's header serializers take neither text nor bytes, so its messages carry no context: " +
        'give them strings in headerKey and headerValue',
    )
    return { read, withHeaders: (message) => message }
  }
  const encoding: HeaderEncoding = { key, value }
  return { read, withHeaders: (message, headers) => ({ ...message, headers }), encoding }
}

// A Map always: the names of a record are strings, which a producer without serializers refuses.
function read(message: PlatformaticMessage): OutgoingMessage {
  const { key, value = null, partition } = message
  return { key, value, partition, headers: toHeaderMap(message.headers) }
}

// What the client makes of them, too.
function toHeaderMap(headers: unknown): unknown {
  if (headers instanceof Map) return headers
  return new Map(typeof headers === 'object' && headers !== null ? Object.entries(headers) : [])
}

type Serializer = (data: unknown) => unknown

interface HeaderSerializers {
  readonly headerKey?: Serializer
  readonly headerValue?: Serializer
}

// Public as `kOptions`, but of a module that is not ours to import.
const OPTIONS = 'plt.kafka.base.options'

function readSerializers(producer: object): HeaderSerializers {
  const symbol = Object.getOwnPropertySymbols(producer).find(({ description }) => description === OPTIONS)
  const options = symbol && (producer as Record<symbol, unknown>)[symbol]
  const { serializers, registry } = (options ?? {}) as {
    readonly serializers?: HeaderSerializers
    readonly registry?: { getSerializers(): HeaderSerializers }
  }
  return registry?.getSerializers() ?? serializers ?? {}
}

/**
 * What to give a serializer so that the text itself is what is sent: the text, or its bytes. A
 * serializer that makes something else of text (JSON quotes it) makes that of all headers of this
 * producer, and its consumers know; one that makes nothing of it can't be used.
 */
function chooseInput(serializer: Serializer | undefined): ((text: string) => unknown) | undefined {
  const bytes = (text: string): Buffer => Buffer.from(text)
  const asText = (text: string): string => text
  if (serializer === undefined) return bytes
  const sends = (input: unknown): Uint8Array | undefined => {
    try {
      const output = serializer(input)
      return output instanceof Uint8Array ? output : undefined
    } catch {
      return undefined
    }
  }
  const fromText = sends(PROBE)
  if (fromText && bytes(PROBE).equals(fromText)) return asText
  const fromBytes = sends(bytes(PROBE))
  if (fromBytes && bytes(PROBE).equals(fromBytes)) return bytes
  return fromText && asText
}

const PROBE = 'traceparent'
