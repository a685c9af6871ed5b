import type { MessagesResponse, SearchedRange } from '@spanlink/api-schema'
import { formatTime } from '../lib/format/time.ts'
import { formatDurationNano } from '../lib/format/duration.ts'
import { visiblePart } from '../lib/searched-range.ts'

/**
 * Message counts over time. A bar's width is its time range; the newest bar is often cut by the end
 * of the range. Time that was not searched, or is too recent for the list, is hatched.
 */
export function CountChart(props: {
  readonly response: MessagesResponse
  readonly counts: MessagesResponse['counts']
  readonly searched: SearchedRange['searched']
  readonly total: number
}) {
  const { response, counts, searched } = props
  const max = counts.reduce((largest, { count }) => Math.max(largest, count), 0)
  const step = formatDurationNano(response.stepNano)
  return (
    <figure class="count-chart">
      <figcaption class="visually-hidden">
        {max === 0
          ? 'No messages in range.'
          : `Peak ${max.toLocaleString('en')} per ${step}, ${props.total.toLocaleString('en')} messages in all.`}
      </figcaption>
      <div class="bars" aria-hidden="true">
        {counts.map(({ startTimeUnixNano, count }) => {
          const part = visiblePart(response, startTimeUnixNano, searched)
          // A zero count for part of a bucket does not cover the rest.
          const isUnknown = !part.isSearched || (part.isPartial && count === 0)
          const isTooNew = BigInt(startTimeUnixNano) >= BigInt(searched.end)
          const unsearched = isTooNew ? 'too recent' : 'not searched'
          const words = part.isSearched ? `${count.toLocaleString('en')} in ${step}` : unsearched
          return (
            <i
              key={startTimeUnixNano}
              class={`${count === 0 ? 'empty' : ''} ${part.isPartial ? 'partial' : ''} ${isUnknown ? 'unknown' : ''}`}
              style={{
                height: isUnknown ? '100%' : `${max === 0 ? 0 : (count / max) * 100}%`,
                flexGrow: String(part.share),
              }}
              title={`${words} from ${formatTime(startTimeUnixNano).slice(0, 19)}${part.isPartial ? `, partial: ${formatDurationNano(part.lengthNano)} of it` : ''}`}
            />
          )
        })}
      </div>
      <div class="axis" aria-hidden="true">
        <span>{formatTime(response.startTimeUnixNano).slice(0, 19)}</span>
        <span>{max === 0 ? '' : `peak ${max.toLocaleString('en')} per ${step}`}</span>
        <span>{formatTime(response.endTimeUnixNano).slice(0, 19)}</span>
      </div>
    </figure>
  )
}
