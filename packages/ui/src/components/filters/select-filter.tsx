import { sanitizeText } from '../../lib/format/sanitize.ts'
import { parseRecentRange, RECENT_RANGES, type RecentRange } from '../../lib/recent-range.ts'

/** Longer names break native lists. */
const MAX_NAME_LENGTH = 80
const MAX_OPTIONS = 1000

/** Options are values, or pairs of a value and its text. An unlisted value stays selectable. */
export function SelectFilter(props: {
  readonly id?: string
  readonly label: string
  readonly value: string
  readonly options: readonly (string | readonly [value: string, text: string])[]
  readonly disabled?: boolean
  readonly onFocus?: () => void
  readonly onSet: (value: string) => void
}) {
  const listed = props.options.slice(0, MAX_OPTIONS).map((option) => [option].flat())
  const options = listed.some(([value]) => value === props.value) ? listed : [...listed, [props.value]]
  return (
    <label>
      {props.label}
      <select
        id={props.id}
        value={props.value}
        disabled={props.disabled}
        onFocus={props.onFocus}
        onChange={(event) => props.onSet(event.currentTarget.value)}
      >
        {options.map(([value = '', text = value]) => (
          <option key={value} value={value}>
            {sanitizeText(text, MAX_NAME_LENGTH)}
          </option>
        ))}
      </select>
    </label>
  )
}

export function RecentRangeFilter(props: {
  readonly value: RecentRange
  readonly disabled?: boolean
  readonly onSet: (range: RecentRange) => void
}) {
  return (
    <SelectFilter
      {...props}
      label="Time"
      options={RECENT_RANGES}
      onSet={(value) => props.onSet(parseRecentRange(value))}
    />
  )
}
