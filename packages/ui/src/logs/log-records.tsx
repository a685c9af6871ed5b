import type { LogRecord, LogsResponse, SearchedRange, SpanSource } from '@spanlink/api-schema'
import type { ComponentChildren, ComponentProps } from 'preact'
import { formatAttribute } from '../lib/format/attribute.ts'
import { formatTime } from '../lib/format/time.ts'
import type { ApiError } from '../lib/api.ts'
import { now } from '../lib/clock.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import { ListScroll } from '../components/list/list-scroll.tsx'
import { NewRowsButton, RefreshError, SearchedRangeText } from '../components/list/results-bar.tsx'
import { LogRow } from './log-row.tsx'

interface KeyedRecord {
  readonly key: string
  readonly record: LogRecord
  readonly source: SpanSource | undefined
}

/**
 * Records have no id. The key is the content of these fields plus, for equal records, a number
 * counted from the oldest.
 */
export function keyedRecords(pages: readonly LogsResponse[]): readonly KeyedRecord[] {
  const seen = new Map<string, number>()
  return pages
    .flatMap(({ logs, sources }) => logs.map((record) => ({ record, source: sources[record.source] })))
    .toReversed()
    .map(({ record, source }) => {
      const { timestampUnixNano, service, spanId, severityNumber, body } = record
      const like = JSON.stringify([
        timestampUnixNano,
        service,
        spanId,
        severityNumber,
        formatAttribute(body).slice(0, 80),
      ])
      const nth = (seen.get(like) ?? 0) + 1
      seen.set(like, nth)
      return { key: `${nth} ${like}`, record, source }
    })
    .toReversed()
}

/** A list of records that holds its rows, with the searched range. */
export function Records(props: {
  readonly list: string
  readonly records: readonly KeyedRecord[]
  readonly range: SearchedRange
  readonly recordsWith: ComponentProps<typeof LogRow>['recordsWith']
  readonly error: ApiError | undefined
  readonly more: ComponentChildren
}) {
  const list = useHeldList(props.list, props.records, ({ key }) => key)
  const today = formatTime(`${now.value}000000`).slice(0, 10)
  const showsDay = list.rows.some(({ record }) => formatTime(record.timestampUnixNano).slice(0, 10) !== today)
  return (
    <>
      <div class="results-bar">
        <p class="count">
          <b>
            {list.rows.length.toLocaleString('en')}
            {props.range.complete ? '' : '+'}
          </b>{' '}
          {list.rows.length === 1 && props.range.complete ? 'record' : 'records'}
          <span class="faint">, newest first</span>
          <SearchedRangeText range={props.range} />
        </p>
        <NewRowsButton list={list} />
        <RefreshError error={props.error} />
      </div>
      <ListScroll class="log-scroll" hold={list.hold}>
        <ol class={`logs ${showsDay ? 'with-day' : ''}`} aria-label="Log records, newest first">
          {list.rows.map(({ key, record, source }) => (
            <LogRow key={key} record={record} source={source} showsDay={showsDay} recordsWith={props.recordsWith} />
          ))}
        </ol>
        {props.more}
      </ListScroll>
    </>
  )
}
