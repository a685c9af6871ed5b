import { listFlowMessages } from '../model/flow-messages.ts'
import type { FlowResource } from '../flow-resource.ts'
import { selectionUrl, type FlowPageState } from '../flow-url.ts'
import type { FlowView } from '../flow-view.ts'
import { Icon } from '../../components/buttons/icon.tsx'
import { isUnknownSelection } from '../details/flow-panel.tsx'

/**
 * Notes about an incomplete flow, clock skew, an unknown selection or a load error; offers `Load
 * more` if there are more pages.
 */
export function FlowNotes(props: {
  readonly view: FlowView
  readonly pageState: FlowPageState
  readonly resource: FlowResource
}) {
  const { view, pageState, resource } = props
  const { response } = view.model.value
  const { error, loadingMore } = resource.state.value
  const words = listFlowMessages(response)
  const isUnknown = isUnknownSelection(view, pageState)
  if (words.length === 0 && error === undefined && !isUnknown) return null
  return (
    <ul class="notes" aria-label="Notes">
      {words.map(({ text, isIncomplete }, index) => (
        <li key={text}>
          <Icon name={isIncomplete ? 'warning' : 'info'} />
          <span>{text}</span>
          {index === 0 && response.nextCursor !== undefined && (
            <button type="button" disabled={loadingMore} onClick={() => void resource.loadMore()}>
              {loadingMore ? 'Loading…' : 'Load more'}
            </button>
          )}
        </li>
      ))}
      {isUnknown && (
        <li>
          <Icon name="warning" />
          <span>
            The selected item is not in this flow: not yet received, not sampled, or expired.{' '}
            <a href={selectionUrl(pageState)}>Dismiss</a>
          </span>
        </li>
      )}
      {error !== undefined && (
        <li>
          <Icon name="warning" />
          <span>Showing cached data. {error.message}</span>
        </li>
      )}
    </ul>
  )
}
