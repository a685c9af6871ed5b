import { icons, type IconName } from './icons.ts'

/** Said aloud only with a `label`; beside text that says the same, an icon stays silent. */
export function Icon({ name, label }: { readonly name: IconName; readonly label?: string }) {
  const spoken = label === undefined ? { 'aria-hidden': true as const } : { role: 'img' as const, 'aria-label': label }
  return <span class="icon" {...spoken} title={label} dangerouslySetInnerHTML={{ __html: icons[name] }} />
}
