import type { LinkDirection } from '../../trace/follow-link.ts'
import { Icon } from '../buttons/icon.tsx'

/**
 * `← 1 producer`, `→ 2 consumers`: the same shape and words in lists, rows and headings. The arrow
 * follows the direction of the message.
 */
export function LinkBadge(props: {
  readonly direction: LinkDirection
  readonly count: number
  readonly within?: boolean
  readonly title?: string
}) {
  const { direction, count } = props
  const end = `${direction === 'in' ? 'consumer' : 'producer'}${count === 1 ? '' : 's'}`
  const words = `${direction === 'in' ? 'Linked from' : 'Links to'} ${count.toLocaleString('en')} ${end}`
  return (
    <span
      class={`badge ${direction} ${props.within ? 'within' : ''}`}
      title={props.title ?? (props.within ? `${words}, from spans below` : words)}
    >
      <Icon name={direction === 'in' ? 'linkIn' : 'linkOut'} />
      {count.toLocaleString('en')} {end}
    </span>
  )
}
