import { isWhole, wholeWindow } from '../../model/time-window.ts'
import { durationText } from '../../model/duration-text.ts'
import { collapseAll, expandAll, matchBeside, type TraceView } from '../../state/trace-view.ts'
import { Icon } from '../parts/icon.tsx'
import { goToPosition, SEARCH_ID } from './trace-keys.ts'

export function Toolbar({ view }: { readonly view: TraceView }) {
  const model = view.model.value
  const matches = view.matches.value
  const at = matches.indexOf(model.positionOf.get(view.cursor.value) ?? -1)
  const isEmpty = view.query.value.trim() === ''
  const go = (step: 1 | -1): void => {
    const position = matchBeside(view, step)
    if (position !== undefined) goToPosition(view, position)
    else view.wantsMatch.value = !isEmpty
  }
  return (
    <div class="toolbar">
      <div class="trace-search" role="search">
        <Icon name="search" />
        <input
          id={SEARCH_ID}
          type="search"
          placeholder="Find in this trace: name, service, attribute"
          aria-label="Find in this trace"
          autoComplete="off"
          spellcheck={false}
          value={view.query.value}
          onInput={(event) => {
            view.wantsMatch.value = false
            view.query.value = event.currentTarget.value
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            event.preventDefault()
            go(event.shiftKey ? -1 : 1)
          }}
        />
        <output class="match-count" aria-live="polite">
          {isEmpty
            ? ''
            : matches.length === 0
              ? 'no match'
              : `${at === -1 ? '–' : at + 1} of ${matches.length.toLocaleString('en')}`}
        </output>
        <button
          type="button"
          class="quiet"
          disabled={matches.length === 0}
          aria-label="Previous match"
          title="Previous match (Shift+Enter)"
          onClick={() => go(-1)}
        >
          <Icon name="chevronUp" />
        </button>
        <button
          type="button"
          class="quiet"
          disabled={matches.length === 0}
          aria-label="Next match"
          title="Next match (Enter)"
          onClick={() => go(1)}
        >
          <Icon name="chevronDown" />
        </button>
      </div>
      <button
        type="button"
        class="quiet"
        aria-label="Collapse all"
        title="Collapse all (C)"
        onClick={() => collapseAll(view)}
      >
        <Icon name="collapse" />
      </button>
      <button
        type="button"
        class="quiet"
        aria-label="Expand all"
        title="Expand all (E)"
        onClick={() => expandAll(view)}
      >
        <Icon name="expand" />
      </button>
      <button
        type="button"
        class="critical-toggle"
        aria-pressed={view.showsCritical.value}
        title="What the end of the trace waited for (p)"
        onClick={() => (view.showsCritical.value = !view.showsCritical.value)}
      >
        Critical path
      </button>
      <ZoomState view={view} />
    </div>
  )
}

function ZoomState({ view }: { readonly view: TraceView }) {
  const { duration } = view.model.value
  const window = view.window.value
  const whole = isWhole(window, duration)
  return (
    <button
      type="button"
      class="zoom-state"
      disabled={whole}
      title="Show the whole trace (0)"
      onClick={() => (view.window.value = wholeWindow(duration))}
    >
      <Icon name="whole" />
      {whole ? 'Whole trace' : `${durationText(window.to - window.from)} from ${durationText(window.from)}`}
    </button>
  )
}
