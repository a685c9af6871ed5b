import { formatAge, formatTime, toMillis } from '../../lib/format/clock-text.ts'
import { now } from '../../lib/clock.ts'

/** How long ago; the exact time, with all its nanoseconds, on hover. */
export function Age({ unixNano }: { readonly unixNano: string }) {
  const at = toMillis(unixNano)
  return (
    <time dateTime={at > 8.64e15 ? undefined : new Date(at).toISOString()} title={formatTime(unixNano)}>
      {formatAge(at, now.value)}
    </time>
  )
}
