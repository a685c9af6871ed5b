import { DURATION_PATTERN, DURATION_UNIT_PATTERN } from '@spanlink/api-schema/duration'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { normalizeDuration } from '../../lib/format/duration.ts'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { parseRecentRange, RECENT_RANGES, type RecentRange } from '../../lib/recent-range.ts'
import { Icon } from '../buttons/icon.tsx'

/** The filters of a page in one row; each change is written to the URL immediately. */
export function FilterForm(props: {
  readonly label: string
  /** False or undefined disables the Clear button, because no filter is set. */
  readonly canClear?: boolean
  readonly onClear?: () => void
  readonly children: ComponentChildren
}) {
  return (
    <form class="filters" role="search" aria-label={props.label} onSubmit={(event) => event.preventDefault()}>
      {props.children}
      {props.onClear !== undefined && (
        <button
          type="button"
          class="clear"
          disabled={props.canClear !== true}
          title="Clear all filters"
          onClick={props.onClear}
        >
          <Icon name="close" />
          Clear
        </button>
      )}
    </form>
  )
}

export function CheckFilter(props: {
  readonly label: string
  readonly title?: string
  readonly checked: boolean
  readonly onSet: (checked: boolean) => void
}) {
  return (
    <label class="check" title={props.title}>
      <input type="checkbox" checked={props.checked} onChange={(event) => props.onSet(event.currentTarget.checked)} />
      {props.label}
    </label>
  )
}

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

/** More suggestions make native lists slow; 249 characters is Kafka's maximum topic length. */
const MAX_SUGGESTIONS = 1000
const MAX_SUGGESTION_LENGTH = 249

interface TextFilterProps {
  readonly id?: string
  readonly label: string
  readonly value: string
  readonly placeholder: string
  readonly class?: string
  readonly isMono?: boolean
  readonly isSearch?: boolean
  readonly disabled?: boolean
  readonly maxLength?: number
  readonly pattern?: string
  readonly title?: string
  /** The DOM id of the suggestion list. */
  readonly listId?: string
  readonly suggestions?: readonly string[]
  readonly onFocus?: () => void
  /** Called with the trimmed text when the field is left or Enter is pressed. */
  readonly onSet: (value: string) => void
}

export function TextFilter(props: TextFilterProps) {
  const { listId, suggestions = [], value } = props
  const input = useRef<HTMLInputElement>(null)
  const shown = useRef<string>(undefined)
  const isTyping = useRef(false)
  // Instead of a `value` of the input, which undoes typing whenever suggestions arrive.
  useLayoutEffect(() => {
    if (isTyping.current && shown.current === value) return
    isTyping.current = false
    shown.current = value
    if (input.current !== null) input.current.value = value
  })
  return (
    <label class={props.class}>
      {props.label}
      <input
        id={props.id}
        type={props.isSearch ? 'search' : undefined}
        class={props.isMono ? 'mono' : undefined}
        list={listId}
        placeholder={props.placeholder}
        autoComplete="off"
        spellcheck={false}
        disabled={props.disabled}
        maxLength={props.maxLength}
        pattern={props.pattern}
        title={props.title}
        ref={input}
        onFocus={props.onFocus}
        onInput={() => {
          isTyping.current = true
        }}
        onChange={({ currentTarget }) => {
          isTyping.current = false
          if (currentTarget.value === '' || currentTarget.reportValidity()) props.onSet(currentTarget.value.trim())
        }}
      />
      {listId !== undefined && (
        <datalist id={listId}>
          {[...new Set(suggestions)]
            .filter((text) => text.length <= MAX_SUGGESTION_LENGTH)
            .slice(0, MAX_SUGGESTIONS)
            .map((text) => (
              <option key={text} value={text} />
            ))}
        </datalist>
      )}
    </label>
  )
}

const NUMBER_OR_DURATION = String.raw`\s*(?:\d+(?:\.\d+)?\s*${DURATION_UNIT_PATTERN}?|${DURATION_PATTERN})\s*`

/** `onSet` gets the duration with its unit, such as `250ms`; undefined when the field is empty. */
export function DurationFilter(props: {
  readonly label: string
  readonly value: string
  readonly placeholder: string
  readonly onSet: (duration: string | undefined) => void
}) {
  return (
    <TextFilter
      {...props}
      class="duration"
      pattern={NUMBER_OR_DURATION}
      title="A number with a unit: ns, us, ms, s, m, h, d, w or y. Without one: milliseconds."
      onSet={(text) => props.onSet(normalizeDuration(text))}
    />
  )
}
