// The part of librdkafka's statistics that is read here.
// https://github.com/confluentinc/librdkafka/blob/v2.15.1/STATISTICS.md

export interface Statistics {
  readonly brokers?: Readonly<Record<string, BrokerStatistics>>
  readonly topics?: Readonly<Record<string, { readonly partitions?: Readonly<Record<string, PartitionStatistics>> }>>
  readonly cgrp?: { readonly rebalance_cnt?: number }
}

export interface BrokerStatistics {
  /** `host:port`, or empty for what is no broker. */
  readonly nodename?: string
  /** Below zero for what is no broker, or one that is known by its address only. */
  readonly nodeid?: number
  readonly state?: string
  readonly connects?: number
  readonly disconnects?: number
  readonly rxbytes?: number
  readonly txbytes?: number
  readonly req_timeouts?: number
  readonly outbuf_cnt?: number
}

interface PartitionStatistics {
  /** -1: messages whose partition is not chosen yet. */
  readonly partition?: number
  /** The id of a broker. */
  readonly leader?: number
  readonly fetch_state?: string
  readonly fetchq_cnt?: number
  /** Behind what was committed, and behind what was stored to be committed; -1 when unknown. */
  readonly consumer_lag?: number
  readonly consumer_lag_stored?: number
}

/** The statistics of an event, parsed once. */
export function parseStatistics(event: unknown): Statistics {
  if (typeof event !== 'object' || event === null) return {}
  let statistics = parsedEvents.get(event)
  if (statistics === undefined) {
    const { message } = event as { readonly message?: unknown }
    const parsed: unknown = typeof message === 'string' ? JSON.parse(message) : undefined
    statistics = typeof parsed === 'object' && parsed !== null ? parsed : {}
    parsedEvents.set(event, statistics)
  }
  return statistics
}

const parsedEvents = new WeakMap<object, Statistics>()
