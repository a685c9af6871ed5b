import { signal } from '@preact/signals'

const SHOWN_MS = 5000
const said = signal('')
let timer: ReturnType<typeof setTimeout> | undefined

/**
 * Tells everybody, by sight and by screen reader, what came of a key where nothing else shows it.
 */
export function announce(text: string): void {
  said.value = text
  clearTimeout(timer)
  timer = setTimeout(() => (said.value = ''), SHOWN_MS)
}

export function Announcer() {
  return (
    <div class={`announcer ${said.value === '' ? '' : 'shown'}`} role="status">
      {said.value}
    </div>
  )
}
