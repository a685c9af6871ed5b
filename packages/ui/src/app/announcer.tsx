import { signal } from '@preact/signals'

const SHOWN_MS = 5000
const message = signal('')
let timer: ReturnType<typeof setTimeout> | undefined

/** Shows the outcome of a key, also to screen readers, where nothing else on the page shows it. */
export function announce(text: string): void {
  message.value = text
  clearTimeout(timer)
  timer = setTimeout(() => (message.value = ''), SHOWN_MS)
}

export function Announcer() {
  return (
    <div class={`announcer ${message.value === '' ? '' : 'shown'}`} role="status">
      {message.value}
    </div>
  )
}
