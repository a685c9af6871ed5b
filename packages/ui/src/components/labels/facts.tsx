import type { RecordMetadata } from '@spanlink/api-schema'
import type { ComponentChildren } from 'preact'
import { formatRecordPath, formatRecord } from '../../lib/format/record.ts'
import { formatTime } from '../../lib/format/time.ts'
import { CopyButton } from '../buttons/copy-button.tsx'
import { Icon } from '../buttons/icon.tsx'
import { Age, Text } from './labels.tsx'

interface EntryProps {
  readonly name: string
  readonly class?: string
  readonly children: ComponentChildren
}

/** An entry of a `pairs` list, a grid of names and values. */
export function Pair(props: EntryProps) {
  return (
    <>
      <dt>{props.name}</dt>
      <dd class={props.class}>{props.children}</dd>
    </>
  )
}

/** An entry of a list whose entries follow each other in a line. */
export function Fact(props: EntryProps & { readonly title?: string; readonly valueClass?: string }) {
  return (
    <div class={props.class} title={props.title}>
      <dt>{props.name}</dt>
      <dd class={props.valueClass}>{props.children}</dd>
    </div>
  )
}

export function StartedFact({ unixNano }: { readonly unixNano: string }) {
  return (
    <Fact name="Started">
      {formatTime(unixNano).slice(0, 23)}{' '}
      <span class="faint">
        (<Age unixNano={unixNano} />)
      </span>
    </Fact>
  )
}

export function ErrorsFact({ count }: { readonly count: number }) {
  return (
    <Fact name="Errors" valueClass={count > 0 ? 'errors' : ''}>
      {count > 0 && <Icon name="error" />}
      {count.toLocaleString('en')}
    </Fact>
  )
}

/** Where a message is stored and its key, as entries of a `link-facts` list. */
export function RecordFacts(props: { readonly record: RecordMetadata; readonly showsCluster: boolean }) {
  const { record } = props
  const at = formatRecord(record)
  const path = formatRecordPath(record)
  return (
    <>
      {at !== '' && (
        <Fact name="message" class="record">
          <Text>{at}</Text>
          {path !== '' && <CopyButton value={path} label="Copy topic/partition/offset" />}
        </Fact>
      )}
      {record.key !== '' && (
        <Fact name="key">
          <Text class="mono">{record.key}</Text>
        </Fact>
      )}
      {props.showsCluster && record.cluster !== '' && (
        <Fact name="cluster">
          <Text>{record.cluster}</Text>
        </Fact>
      )}
    </>
  )
}
