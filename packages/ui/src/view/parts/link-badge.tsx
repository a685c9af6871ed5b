import type { LinkDirection } from '../../state/follow.ts'
import { Icon } from './icon.tsx'

/** `2 in`, `1 out`: the same shape and words in lists, rows and headings. */
export function LinkBadge(props: {
  readonly direction: LinkDirection
  readonly count: number
  readonly within?: boolean
  readonly title?: string
}) {
  const { direction, count } = props
  const many = count === 1 ? 'link' : 'links'
  const said =
    direction === 'in'
      ? `${count} ${many} in: consumed elsewhere${props.within ? ', from spans below' : ''}`
      : `${count} ${many} out: back to the producer${props.within ? ', from spans below' : ''}`
  return (
    <span class={`badge ${direction} ${props.within ? 'within' : ''}`} title={props.title ?? said}>
      <Icon name={direction === 'in' ? 'linkIn' : 'linkOut'} />
      {count.toLocaleString('en')} {direction}
    </span>
  )
}
