import { listFlowMessages } from '../model/flow-messages.ts'
import type { FlowResource } from '../flow-resource.ts'
import { selectionUrl } from '../flow-url.ts'
import { isUnknownSelection } from '../details/flow-panel.tsx'
import { Note } from '../../components/notice.tsx'
import type { FlowProps } from '../flow-view.ts'

/**
 * Notes about an incomplete flow, clock skew, an unknown selection or a load error; offers `Load
 * more` if there are more pages.
 */
export function FlowNotes({ view, pageState, resource }: FlowProps & { readonly resource: FlowResource }) {
  const { response } = view.model.value
  const { error, loadingMore } = resource.state.value
  const words = listFlowMessages(response)
  const isUnknown = isUnknownSelection(view, pageState)
  if (words.length === 0 && error === undefined && !isUnknown) return null
  const more = response.nextCursor !== undefined && (
    <button type="button" disabled={loadingMore} onClick={() => void resource.loadMore()}>
      {loadingMore ? 'Loading…' : 'Load more'}
    </button>
  )
  return (
    <ul class="notes" aria-label="Notes">
      {words.map(({ text, isIncomplete }, index) => (
        <Note key={text} icon={isIncomplete ? 'warning' : 'info'} actions={index === 0 && more}>
          {text}
        </Note>
      ))}
      {isUnknown && (
        <Note icon="warning">
          The selected item is not in this flow: not yet received, not sampled, or expired.{' '}
          <a href={selectionUrl(pageState)}>Dismiss</a>
        </Note>
      )}
      {error !== undefined && <Note icon="warning">Showing cached data. {error.message}</Note>}
    </ul>
  )
}
