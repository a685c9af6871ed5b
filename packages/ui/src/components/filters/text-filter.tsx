import { DURATION_PATTERN, DURATION_UNIT_PATTERN } from '@spanlink/api-schema/duration'
import { normalizeDuration } from '../../lib/format/duration.ts'

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
  const { listId, suggestions = [] } = props
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
        value={props.value}
        onFocus={props.onFocus}
        onChange={({ currentTarget }) => {
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
