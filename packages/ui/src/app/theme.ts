import { computed, signal } from '@preact/signals'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

/** Also read by `public/theme.js`, which sets it before the first paint. */
const KEY = 'spanlink-theme'

export const theme = signal<Theme>(readStoredTheme())

const systemIsDark = matchMedia('(prefers-color-scheme: dark)')
const systemDark = signal(systemIsDark.matches)
systemIsDark.addEventListener('change', (event) => {
  systemDark.value = event.matches
})

/** The theme on screen; canvases are repainted when it changes. */
export const effectiveTheme = computed<'light' | 'dark'>(() =>
  theme.value === 'system' ? (systemDark.value ? 'dark' : 'light') : theme.value,
)

export function setTheme(next: Theme): void {
  if (next === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = next
  theme.value = next
  try {
    localStorage.setItem(KEY, next)
  } catch {
    // Without storage (private mode, policy) the theme still applies until the page is reloaded.
  }
}

function readStoredTheme(): Theme {
  try {
    const found = localStorage.getItem(KEY)
    return themes.find((theme) => theme === found) ?? 'system'
  } catch {
    return 'system'
  }
}
