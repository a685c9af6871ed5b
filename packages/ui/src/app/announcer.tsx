import { signal } from '@preact/signals'

const SHOWN_MS = 5000
const message = signal('')
let timer: ReturnType<typeof setTimeout> | undefined

/** Shows and announces the result of a keyboard action that changes nothing else on the page. */
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
