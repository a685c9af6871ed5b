import { signal } from '@preact/signals'

/**
 * The current time in Unix milliseconds, for ages; updated each second while the page is visible.
 */
export const now = signal(Date.now())

setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)
