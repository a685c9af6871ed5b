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

/** What is on screen: canvases are painted again when it changes. */
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
    // A browser that keeps nothing (private mode, policy) still shows the theme, for now.
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
