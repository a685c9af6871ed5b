import type { MessagesAnswer } from '@spanlink/contract'
import { exactTimeText } from '../../model/clock-text.ts'
import { nanoText } from '../../model/duration-text.ts'

/** How many there were, over time. */
export function CountChart({ answer }: { readonly answer: MessagesAnswer }) {
  const most = answer.counts.reduce((largest, { count }) => Math.max(largest, count), 0)
  const step = nanoText(answer.stepNano)
  return (
    <figure class="count-chart">
      <figcaption class="visually-hidden">
        {most === 0
          ? 'None in this time.'
          : `At most ${most.toLocaleString('en')} in ${step}, ${answer.total.toLocaleString('en')} in all.`}
      </figcaption>
      <div class="bars" aria-hidden="true">
        {answer.counts.map(({ startTimeUnixNano, count }) => (
          <i
            key={startTimeUnixNano}
            class={count === 0 ? 'empty' : ''}
            style={{ height: `${most === 0 ? 0 : (count / most) * 100}%` }}
            title={`${count.toLocaleString('en')} in ${step} from ${exactTimeText(startTimeUnixNano).slice(0, 19)}`}
          />
        ))}
      </div>
      <div class="axis" aria-hidden="true">
        <span>{exactTimeText(answer.startTimeUnixNano).slice(0, 19)}</span>
        <span>{most === 0 ? '' : `${most.toLocaleString('en')} at most in ${step}`}</span>
        <span>{exactTimeText(answer.endTimeUnixNano).slice(0, 19)}</span>
      </div>
    </figure>
  )
}
