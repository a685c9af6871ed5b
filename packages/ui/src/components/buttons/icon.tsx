import { icons, type IconName } from './icons.ts'

/** Has an accessible name only with `label`; beside text with the same meaning it is hidden. */
export function Icon({ name, label }: { readonly name: IconName; readonly label?: string }) {
  const ariaAttributes =
    label === undefined ? { 'aria-hidden': true as const } : { role: 'img' as const, 'aria-label': label }
  return <span class="icon" {...ariaAttributes} title={label} dangerouslySetInnerHTML={{ __html: icons[name] }} />
}
