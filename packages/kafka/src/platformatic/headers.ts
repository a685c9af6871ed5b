import { safely, warnOnce } from '../core/diagnostics.ts'
import type { HeaderEncoding } from '../core/propagation/headers.ts'
import type { OutgoingFormat, OutgoingMessage } from '../core/telemetry.ts'

/** A message as `producer.send` takes it. */
export interface PlatformaticMessage extends OutgoingMessage {
  readonly topic: string
}

/**
 * Creates the format of a producer's messages. Header names and values pass through its
 * serializers: bytes without serializers, the default, else text.
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

// Always a Map: producers without serializers refuse string names.
function read(message: PlatformaticMessage): OutgoingMessage {
  const { key, value = null, partition } = message
  return { key, value, partition, headers: toHeaderMap(message.headers) }
}

// Converts headers as the client does.
function toHeaderMap(headers: unknown): unknown {
  if (headers instanceof Map) return headers
  return new Map(typeof headers === 'object' && headers !== null ? Object.entries(headers) : [])
}

type Serializer = (data: unknown) => unknown

interface HeaderSerializers {
  readonly headerKey?: Serializer
  readonly headerValue?: Serializer
}

// Public as `kOptions`, in a module that is not imported here.
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
 * Chooses text or bytes, whichever the serializer writes as the text itself. A serializer that
 * encodes text (JSON quotes it) does so for all headers of the producer; one that rejects both
 * cannot be used.
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
