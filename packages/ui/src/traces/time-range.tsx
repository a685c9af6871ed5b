import { SelectFilter } from '../components/filters/filters.tsx'
import { RECENT_RANGES } from '../lib/recent-range.ts'
import type { TraceFilters } from './trace-filters.ts'

/**
 * The first choice is no range: links have no time window here, and on a laptop last week's traces
 * matter as much as today's.
 */
export function TimeRange(props: { readonly filters: TraceFilters; readonly onSet: (change: TraceFilters) => void }) {
  const { filters, onSet } = props
  const isBetween = filters.last === undefined && (filters.start !== undefined || filters.end !== undefined)
  const choose = (value: string): void => {
    const none = { last: undefined, start: undefined, end: undefined }
    if (value === 'between') onSet({ ...none, start: toNanos(Date.now() - 3_600_000), end: toNanos(Date.now()) })
    else onSet({ ...none, last: value || undefined })
  }
  return (
    <>
      <SelectFilter
        label="Time"
        value={isBetween ? 'between' : (filters.last ?? '')}
        options={[['', 'All time'], ['5m', 'Last 5 minutes'], ...RECENT_RANGES, ['between', 'Custom range']]}
        onSet={choose}
      />
      {isBetween && (
        <>
          <Moment label="From" value={filters.start} onSet={(start) => onSet({ start })} />
          <Moment label="To" value={filters.end} onSet={(end) => onSet({ end })} />
        </>
      )}
    </>
  )
}

function Moment(props: {
  readonly label: string
  readonly value: string | undefined
  readonly onSet: (value: string | undefined) => void
}) {
  return (
    <label>
      {props.label}
      <input
        type="datetime-local"
        step="1"
        value={props.value === undefined ? '' : toLocalDateTime(props.value)}
        onChange={(event) => {
          const millis = new Date(event.currentTarget.value).getTime()
          props.onSet(Number.isNaN(millis) || millis < 0 ? undefined : toNanos(millis))
        }}
      />
    </label>
  )
}

function toNanos(millis: number): string {
  return `${Math.trunc(millis)}000000`
}

/** The format of `datetime-local`: local time without a zone. */
function toLocalDateTime(unixNano: string): string {
  const millis = Number(unixNano.slice(0, -6))
  if (!Number.isFinite(millis) || millis > 8.64e15) return ''
  const date = new Date(millis)
  return new Date(millis - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
