import { signal } from '@preact/signals'

/** Milliseconds now, for ages in words; moves each second while somebody looks. */
export const now = signal(Date.now())

setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1000)
