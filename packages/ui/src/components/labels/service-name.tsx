import { serviceColor } from '../../lib/service-color.ts'
import { Text } from './text.tsx'

/** A service name with its colour, which is the same on every page. */
export function ServiceName({ name }: { readonly name: string }) {
  const { hue, tone } = serviceColor(name)
  return (
    <span class={`service ${tone}`} style={{ '--hue': String(hue) }}>
      <i class="service-dot" />
      <Text>{name === '' ? '(no service.name)' : name}</Text>
    </span>
  )
}
