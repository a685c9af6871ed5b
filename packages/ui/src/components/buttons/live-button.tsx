import type { Signal } from '@preact/signals'
import { Icon } from './icon.tsx'

/** Shows whether the list updates live, and pauses or resumes it. */
export function LiveButton({ paused, title }: { readonly paused: Signal<boolean>; readonly title: string }) {
  const isPaused = paused.value
  return (
    <button
      type="button"
      class="live"
      aria-pressed={!isPaused}
      title={title}
      onClick={() => (paused.value = !paused.peek())}
    >
      <i class={`lamp ${isPaused ? '' : 'on'}`} />
      {isPaused ? 'Paused' : 'Live'}
      <Icon name={isPaused ? 'play' : 'pause'} />
    </button>
  )
}
