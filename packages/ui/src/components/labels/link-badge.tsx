import type { LinkDirection } from '../../trace/follow-link.ts'
import { Icon } from '../buttons/icon.tsx'

/**
 * `← 1 link out`, `→ 2 links in`; `← 1 producer`, `→ 2 consumers` if the links are of messages. The
 * arrow follows the direction of the message.
 */
export function LinkBadge(props: {
  readonly direction: LinkDirection
  readonly count: number
  readonly areMessages?: boolean
  readonly within?: boolean
  readonly title?: string
}) {
  const { direction, count } = props
  const plural = count === 1 ? '' : 's'
  const end = direction === 'in' ? `consumer${plural}` : `producer${plural}`
  const words = `${direction === 'in' ? 'Linked from' : 'Links to'} ${count.toLocaleString('en')} ${props.areMessages ? end : `span${plural}`}`
  return (
    <span
      class={`badge ${direction} ${props.within ? 'within' : ''}`}
      title={props.title ?? (props.within ? `${words}, from spans below` : words)}
    >
      <Icon name={direction === 'in' ? 'linkIn' : 'linkOut'} />
      {count.toLocaleString('en')} {props.areMessages ? end : `link${plural} ${direction}`}
    </span>
  )
}
