// Calls tempopb.StreamingQuerier with @grpc/grpc-js, and protobufjs from Tempo's message definitions.
import {
  type ChannelCredentials,
  Client,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'
import protobuf from 'protobufjs'

/** The messages of tempo.proto and common.proto that the service uses, with their field numbers. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message SearchRequest {
    map<string, string> Tags = 1; uint32 MinDurationMs = 2; uint32 MaxDurationMs = 3; uint32 Limit = 4;
    uint32 start = 5; uint32 end = 6; string Query = 8; uint32 SpansPerSpanSet = 9;
  }
  message SearchResponse { repeated TraceSearchMetadata traces = 1; SearchMetrics metrics = 2; }
  message TraceSearchMetadata {
    string traceID = 1; string rootServiceName = 2; string rootTraceName = 3; uint64 startTimeUnixNano = 4;
    uint32 durationMs = 5; SpanSet spanSet = 6; repeated SpanSet spanSets = 7; map<string, ServiceStats> serviceStats = 8;
  }
  message ServiceStats { uint32 spanCount = 1; uint32 errorCount = 2; }
  message SpanSet { repeated Span spans = 1; uint32 matched = 2; repeated KeyValue attributes = 3; }
  message Span {
    string spanID = 1; string name = 2; uint64 startTimeUnixNano = 3; uint64 durationNanos = 4; repeated KeyValue attributes = 5;
  }
  message SearchMetrics {
    uint32 inspectedTraces = 1; uint64 inspectedBytes = 2; uint32 totalBlocks = 3; uint32 completedJobs = 4; uint32 totalJobs = 5;
  }
  message SearchTagsRequest { string scope = 1; string query = 2; uint32 start = 3; uint32 end = 4; uint32 maxTagsPerScope = 5; }
  message SearchTagsResponse { repeated string tagNames = 1; MetadataMetrics metrics = 2; }
  message SearchTagsV2Response { repeated SearchTagsV2Scope scopes = 1; MetadataMetrics metrics = 2; }
  message SearchTagsV2Scope { string name = 1; repeated string tags = 2; }
  message SearchTagValuesRequest { string tagName = 1; string query = 2; uint32 start = 4; uint32 end = 5; uint32 maxTagValues = 6; }
  message SearchTagValuesResponse { repeated string tagValues = 1; MetadataMetrics metrics = 2; }
  message SearchTagValuesV2Response { repeated TagValue tagValues = 1; MetadataMetrics metrics = 2; }
  message TagValue { string type = 1; string value = 2; }
  message MetadataMetrics { uint64 inspectedBytes = 1; uint32 totalJobs = 2; uint32 completedJobs = 3; }
  message QueryRangeRequest { string query = 1; uint64 start = 2; uint64 end = 3; uint64 step = 4; uint32 exemplars = 16; }
  message QueryInstantRequest { string query = 1; uint64 start = 2; uint64 end = 3; }
  enum PartialStatus { COMPLETE = 0; PARTIAL = 1; }
  message QueryRangeResponse { repeated TimeSeries series = 1; SearchMetrics metrics = 2; PartialStatus status = 3; string message = 4; }
  message QueryInstantResponse { repeated InstantSeries series = 1; SearchMetrics metrics = 2; PartialStatus status = 3; string message = 4; }
  message InstantSeries { repeated KeyValue labels = 1; double value = 2; }
  message TimeSeries { repeated KeyValue labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 4; }
  message Sample { int64 timestamp_ms = 2; double value = 1; }
  message Exemplar { repeated KeyValue labels = 1; double value = 2; int64 timestamp_ms = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
      ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`)

/** Request and response of each method. */
export const METHODS = {
  Search: ['SearchRequest', 'SearchResponse'],
  SearchTags: ['SearchTagsRequest', 'SearchTagsResponse'],
  SearchTagsV2: ['SearchTagsRequest', 'SearchTagsV2Response'],
  SearchTagValues: ['SearchTagValuesRequest', 'SearchTagValuesResponse'],
  SearchTagValuesV2: ['SearchTagValuesRequest', 'SearchTagValuesV2Response'],
  MetricsQueryRange: ['QueryRangeRequest', 'QueryRangeResponse'],
  MetricsQueryInstant: ['QueryInstantRequest', 'QueryInstantResponse'],
} as const

export type Method = keyof typeof METHODS
export type Message = Readonly<Record<string, unknown>>

export type CallOptions = {
  readonly token?: string | undefined
  /** Unix milliseconds */
  readonly deadline?: number
}

export type StreamingClient = {
  start(method: Method | 'Unknown', request: Message, options?: CallOptions): ClientReadableStream<Message>
  /** All messages. Rejects with a `ServiceError`. */
  call(method: Method | 'Unknown', request: Message, options?: CallOptions): Promise<Message[]>
  [Symbol.dispose](): void
}

/** @param ca of the server's certificate, for `https:` */
export function connectStreaming(url: string, ca?: Buffer, token?: string): StreamingClient {
  const channel: ChannelCredentials = ca === undefined ? credentials.createInsecure() : credentials.createSsl(ca)
  // As Go's default: larger messages are an error.
  const client = new Client(new URL(url).host, channel, {
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    // Otherwise clients share connections.
    'grpc.use_local_subchannel_pool': 1,
  })
  const start: StreamingClient['start'] = (method, request, options = {}) => {
    const [requestType, responseType] = METHODS[method as Method] ?? METHODS.Search
    const metadata = new Metadata()
    const sentToken = options.token ?? token
    if (sentToken !== undefined) metadata.set('authorization', `Bearer ${sentToken}`)
    return client.makeServerStreamRequest(
      `/tempopb.StreamingQuerier/${method}`,
      (message: Message) => encodeMessage(requestType, message),
      (bytes) => decodeMessage(responseType, bytes),
      request,
      metadata,
      options.deadline === undefined ? {} : { deadline: options.deadline },
    )
  }
  return {
    start,
    call: (method, request, options) =>
      new Promise((resolve, reject) => {
        const messages: Message[] = []
        start(method, request, options)
          .on('data', (message: Message) => messages.push(message))
          .on('error', (error: ServiceError) => reject(error))
          .on('end', () => resolve(messages))
      }),
    [Symbol.dispose]: () => client.close(),
  }
}

export function encodeMessage(type: string, message: Message): Buffer {
  const codec = root.lookupType(type)
  return Buffer.from(codec.encode(codec.fromObject(message)).finish())
}

export function decodeMessage(type: string, bytes: Uint8Array): Message {
  const codec = root.lookupType(type)
  return codec.toObject(codec.decode(bytes), { longs: String, enums: String }) as Message
}

/** What a gRPC client receives if a message has the JSON of an HTTP response. */
export function fromJson(type: string, json: unknown): Message {
  return decodeMessage(type, encodeMessage(type, json as Message))
}
