import type { Message, MessageList, MessageSpan } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { hasSeveralClusters, formatRecord } from '../lib/format/record.ts'
import { formatDurationNano } from '../lib/format/duration.ts'
import { sanitizeText } from '../lib/format/sanitize.ts'
import { flowUrl } from '../flow/flow-url.ts'
import type { RowHold } from '../components/list/use-held-list.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { openRow } from '../components/list/row-navigation.ts'
import { ListScroll } from '../components/list/list-scroll.tsx'
import { Age, ServiceName, Text, SpanName } from '../components/labels/labels.tsx'
import { TableHead, numberColumn } from '../components/list/table-head.tsx'

export const MESSAGE_LINKS = 'table.messages a.message-link'

const ATTEMPTS_SHOWN = 4

const WAITS: Readonly<Record<MessageList, string>> = {
  unconsumed: 'Age',
  late: 'Queue time',
  redelivered: 'Time to last delivery',
  retried: 'Time to last attempt',
  'dead-lettered': 'Time to DLQ',
}

/** `more` is rendered at the end of the list. */
export function MessageTable(props: {
  readonly messages: readonly Message[]
  readonly list: MessageList
  /** For the list `unconsumed`: only messages that no group has consumed. */
  readonly isNeverConsumed: boolean
  readonly hold: RowHold
  readonly more: ComponentChildren
}) {
  const showsCluster = hasSeveralClusters(props.messages)
  return (
    <ListScroll hold={props.hold}>
      <table class="list messages">
        <TableHead
          columns={[
            'Message',
            'When',
            numberColumn(WAITS[props.list]),
            'Produced by',
            props.list === 'unconsumed' ? 'Consumer group' : 'Outcome',
          ]}
        />
        <tbody>
          {props.messages.map((message) => (
            <Row
              key={messageKey(message)}
              message={message}
              list={props.list}
              isNeverConsumed={props.isNeverConsumed}
              showsCluster={showsCluster}
            />
          ))}
        </tbody>
      </table>
      {props.more}
    </ListScroll>
  )
}

export function messageKey(message: Message): string {
  const { traceId, spanId, timeUnixNano, consumerGroup, topic, partition, offset } = message
  return JSON.stringify([traceId, spanId, timeUnixNano, consumerGroup, topic, partition, offset])
}

function Row(props: {
  readonly message: Message
  readonly list: MessageList
  readonly isNeverConsumed: boolean
  readonly showsCluster: boolean
}) {
  const { message, list, showsCluster } = props
  const { traceId, spanId, producer } = message
  return (
    <tr onClick={openRow}>
      <td class="name">
        <a
          class="row-link message-link"
          href={flowUrl(traceId, { span: findFirstFailure(message) ?? message, end: spanId })}
        >
          <Icon name="topic" />
          <Text class="topic-name">{message.topic === '' ? '(no topic)' : message.topic}</Text>
          {formatPartition(message) !== '' && <Text class="faint">{formatPartition(message)}</Text>}
          {message.key !== '' && <Text class="faint mono">{message.key}</Text>}
          {showsCluster && message.cluster !== '' && <Text class="faint cluster">{message.cluster}</Text>}
        </a>
      </td>
      <td class="started">
        <Age unixNano={message.timeUnixNano} />
      </td>
      <td class="number wait">{formatDurationNano(message.waitNano)}</td>
      <td>
        {producer === null ? (
          <span class="faint">not found</span>
        ) : (
          <span class="producer">
            <SpanName service={producer.service} name={producer.name} />
          </span>
        )}
      </td>
      <td>
        {list === 'unconsumed' ? (
          <Missing group={message.consumerGroup} isNeverConsumed={props.isNeverConsumed} />
        ) : (
          <Outcome message={message} />
        )}
      </td>
    </tr>
  )
}

/** The first failed attempt, which explains a dead letter. */
function findFirstFailure(message: Message): MessageSpan | undefined {
  return message.attempts.find(isFailed)
}

function isFailed({ status, errorType }: MessageSpan): boolean {
  return status === 'error' || errorType !== ''
}

/** Each attempt in order with its error, and the dead-letter topic. */
function Outcome({ message }: { readonly message: Message }) {
  const { attempts, deadLetter } = message
  const hidden = Math.max(0, attempts.length - ATTEMPTS_SHOWN)
  return (
    <span class="fate">
      {attempts.slice(0, 1).map((attempt) => (
        <Attempt key={attempt.spanId} attempt={attempt} />
      ))}
      {hidden > 0 && <span class="faint hidden-attempts">{hidden} more</span>}
      {attempts.slice(1 + hidden).map((attempt, index) => (
        <Attempt key={`${attempt.spanId}${index}`} attempt={attempt} />
      ))}
      {deadLetter !== undefined && (
        <span class="dead" title={`Sent to ${sanitizeText(deadLetter.topic, 200)}`}>
          <Icon name="close" label="Dead letter" />
          <Text>{deadLetter.topic}</Text>
        </span>
      )}
    </span>
  )
}

function Attempt({ attempt }: { readonly attempt: MessageSpan }) {
  const isError = isFailed(attempt)
  const errorText = attempt.errorMessage || attempt.errorType
  const waited =
    attempt.queueTimeNano === null ? '' : `, after ${formatDurationNano(attempt.queueTimeNano)} in the queue`
  return (
    <span
      class={`attempt ${isError ? 'failed' : ''}`}
      title={`${sanitizeText(attempt.consumerGroup || attempt.service, 80)}${waited}${errorText === '' ? '' : `: ${sanitizeText(errorText, 300)}`}`}
    >
      <ServiceName name={attempt.service} />
      {isError ? <Text>{errorText === '' ? 'failed' : errorText}</Text> : <Icon name="check" label="done" />}
    </span>
  )
}

function formatPartition({ partition, offset }: Message): string {
  return formatRecord({ topic: '', partition, offset })
}

function Missing({ group, isNeverConsumed }: { readonly group: string; readonly isNeverConsumed: boolean }) {
  if (group === '') return <span class="faint">{isNeverConsumed ? 'never consumed' : 'no known group'}</span>
  return (
    <span class="producer">
      <Icon name="group" label="Consumer group" />
      <Text>{group}</Text>
    </span>
  )
}
