import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { highlightQuery } from './highlight-query.ts'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { createQueryCompletion } from './query-completion.ts'
import { Icon } from '../../components/buttons/icon.tsx'

export const QUERY_ID = 'trace-query'
const LIST_ID = 'query-options'
const MAX_OPTIONS = 12

/** TraceQL input with highlighting and completion. Enter runs the query. */
export function QueryInput(props: { readonly text: string; readonly onRun: (text: string) => void }) {
  const completion = useMemo(createQueryCompletion, [])
  const input = useRef<HTMLInputElement>(null)
  const colours = useRef<HTMLDivElement>(null)
  const text = useSignal(props.text)
  const chosen = useSignal(-1)
  const caretAfter = useRef<number | undefined>(undefined)
  useEffect(() => {
    text.value = props.text
  }, [props.text])
  useEffect(() => () => completion.clear(), [completion])
  useLayoutEffect(() => {
    if (caretAfter.current !== undefined) input.current?.setSelectionRange(caretAfter.current, caretAfter.current)
    caretAfter.current = undefined
    follow()
  }, [text.value])

  const follow = (): void => {
    if (colours.current !== null && input.current !== null) colours.current.scrollLeft = input.current.scrollLeft
  }
  const requestCompletion = (): void => {
    const field = input.current
    if (field !== null) completion.complete(field.value, field.selectionStart ?? field.value.length)
  }
  const found = completion.response.value
  const options = found?.options.slice(0, MAX_OPTIONS) ?? []
  const accept = (index: number): void => {
    const option = options[index]
    if (option === undefined || found === undefined) return
    const isOpen = option.kind === 'scope' || option.text.endsWith('.')
    const after = isOpen ? option.text : `${option.text} `
    caretAfter.current = found.from + after.length
    text.value = text.peek().slice(0, found.from) + after + text.peek().slice(found.to).replace(/^ /, '')
    chosen.value = -1
    input.current?.focus()
    completion.clear()
    completion.complete(text.peek(), caretAfter.current)
  }
  const run = (): void => {
    completion.clear()
    chosen.value = -1
    props.onRun(text.peek())
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const isListed = options.length > 0
    if (event.key === 'Enter') {
      event.preventDefault()
      if (chosen.value >= 0) accept(chosen.value)
      else run()
    } else if (event.key === 'Tab' && isListed && !event.shiftKey && found !== undefined && found.from < found.to) {
      event.preventDefault()
      accept(Math.max(0, chosen.value))
    } else if (isListed && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      event.preventDefault()
      const step = event.key === 'ArrowDown' ? 1 : -1
      chosen.value = (Math.max(chosen.value, step === 1 ? -1 : 0) + step + options.length) % options.length
    } else if (event.key === 'Escape' && isListed) {
      event.preventDefault()
      event.stopPropagation()
      completion.clear()
      chosen.value = -1
    } else if (event.key === ' ' && event.ctrlKey) {
      event.preventDefault()
      requestCompletion()
    }
  }
  const error = found?.error
  const isChanged = text.value.trim() !== props.text.trim()
  return (
    <div class="query">
      <div class={`query-field ${error === undefined ? '' : 'wrong'}`}>
        <Icon name="search" />
        <div class="query-text">
          <div class="query-colours mono" aria-hidden="true" ref={colours}>
            {highlightQuery(text.value).map(([part, kind], index) => (
              <span key={index} class={kind}>
                {part}
              </span>
            ))}
          </div>
          <input
            id={QUERY_ID}
            ref={input}
            class="mono"
            role="combobox"
            aria-label="TraceQL query"
            aria-autocomplete="list"
            aria-expanded={options.length > 0}
            aria-controls={LIST_ID}
            aria-activedescendant={chosen.value >= 0 ? `${LIST_ID}-${chosen.value}` : undefined}
            placeholder={'{ resource.service.name = "orders" } ->> { status = error }'}
            autoComplete="off"
            spellcheck={false}
            maxLength={8192}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value
              chosen.value = -1
              requestCompletion()
            }}
            onKeyDown={onKeyDown}
            onScroll={follow}
            onBlur={() => completion.clear()}
          />
        </div>
        {isChanged && (
          <button type="button" class="primary run" onMouseDown={(event) => event.preventDefault()} onClick={run}>
            Run
          </button>
        )}
      </div>
      <ul id={LIST_ID} role="listbox" aria-label="Suggestions" class="query-options" hidden={options.length === 0}>
        {options.map((option, index) => (
          <li
            key={option.text}
            id={`${LIST_ID}-${index}`}
            role="option"
            aria-selected={index === chosen.value}
            class={option.kind}
            onMouseDown={(event) => {
              event.preventDefault()
              accept(index)
            }}
          >
            <span class="mono text">{sanitizeText(option.text, 120)}</span>
            <span class="faint">{option.kind}</span>
          </li>
        ))}
      </ul>
      {error !== undefined && isChanged && options.length === 0 && (
        <p class="query-error" role="status">
          {error.message}
        </p>
      )}
    </div>
  )
}
