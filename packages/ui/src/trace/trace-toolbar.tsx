import { collapseAll, expandAll, matchBeside, type TraceView } from './trace-view.ts'
import { Icon } from '../components/buttons/icon.tsx'
import { IconButton } from '../components/buttons/icon-button.tsx'
import { ZoomState } from '../components/tree/zoom-state.tsx'
import { goToPosition, SEARCH_ID } from './trace-keys.ts'

export function TraceToolbar({ view }: { readonly view: TraceView }) {
  const model = view.model.value
  const matches = view.matches.value
  const at = matches.indexOf(model.positionById.get(view.cursor.value) ?? -1)
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
        <IconButton
          icon="chevronUp"
          label="Previous match"
          keys="Shift+Enter"
          disabled={matches.length === 0}
          onClick={() => go(-1)}
        />
        <IconButton
          icon="chevronDown"
          label="Next match"
          keys="Enter"
          disabled={matches.length === 0}
          onClick={() => go(1)}
        />
      </div>
      <IconButton icon="collapse" label="Collapse all" keys="C" onClick={() => collapseAll(view)} />
      <IconButton icon="expand" label="Expand all" keys="E" onClick={() => expandAll(view)} />
      <button
        type="button"
        class="critical-toggle"
        aria-pressed={view.showsCritical.value}
        title="Highlight the critical path (p)"
        onClick={() => (view.showsCritical.value = !view.showsCritical.value)}
      >
        <i />
        Critical path
      </button>
      <ZoomState view={view} what="trace" />
    </div>
  )
}
