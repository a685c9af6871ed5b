import type { Attributes } from '@opentelemetry/api'
import type { AttributeNames } from '../../semconv.ts'
import type { ResolvedOptions } from '../../options.ts'
import { setServerAttributes, formatSpanName, type ServerAddress } from '../source.ts'

/** The attributes that all sends to a topic share, computed once. */
export interface OutgoingTopic {
  readonly clientId: string | undefined
  readonly clusterId: string | undefined
  /** The broker that leads all of the topic's partitions. */
  readonly server: ServerAddress | undefined
  readonly sendName: string
  readonly sendAttributes: Attributes
  readonly createName: string
  readonly createAttributes: Attributes
}

export type GetOutgoingTopic = (
  topic: string,
  clientId?: string,
  clusterId?: string,
  server?: ServerAddress,
) => OutgoingTopic

/** The cache is cleared when it is full, for applications that generate topic names. */
const MAX_TOPICS = 1000

export function createOutgoingTopics(names: AttributeNames, options: ResolvedOptions): GetOutgoingTopic {
  const topics = new Map<string, OutgoingTopic[]>()
  return (topic, clientId = options.clientId, clusterId = undefined, server = undefined) => {
    let known = topics.get(topic)
    if (known === undefined) {
      if (topics.size >= MAX_TOPICS) topics.clear()
      topics.set(topic, (known = []))
    }
    for (const one of known) {
      if (one.clientId === clientId && one.clusterId === clusterId && one.server === server) return one
    }
    const prepared = createOutgoingTopic(names, topic, clientId, clusterId, server)
    if (known.length >= MAX_CLIENTS_PER_TOPIC) known.length = 0
    known.push(prepared)
    return prepared
  }
}

/** A longer linear search would cost more than it saves. */
const MAX_CLIENTS_PER_TOPIC = 16

function createOutgoingTopic(
  names: AttributeNames,
  topic: string,
  clientId: string | undefined,
  clusterId: string | undefined,
  server: ServerAddress | undefined,
): OutgoingTopic {
  const createAttributes = (operation: 'create' | 'send'): Attributes => {
    const attributes: Attributes = {}
    names.put(attributes, 'system', 'kafka')
    names.put(attributes, 'operationName', operation)
    names.put(attributes, 'operationType', operation)
    names.put(attributes, 'destination', topic)
    // The conventions define neither the client's id nor the cluster's on Create spans.
    setServerAttributes(names, attributes, operation === 'send' ? { clusterId, server } : { server })
    if (operation === 'send') names.put(attributes, 'clientId', clientId)
    return attributes
  }
  return {
    clientId,
    clusterId,
    server,
    sendName: formatSpanName('send', topic),
    sendAttributes: createAttributes('send'),
    createName: formatSpanName('create', topic),
    createAttributes: createAttributes('create'),
  }
}
