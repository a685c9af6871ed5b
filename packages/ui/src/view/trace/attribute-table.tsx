import type { KeyValue } from '@spanlink/contract'
import { attributeText, attributeType } from '../../model/attribute-text.ts'
import { attributeCondition, type AttributeScope } from '../../model/attribute-condition.ts'
import { visibleText } from '../../model/visible-text.ts'
import { tracesUrl } from '../../state/route.ts'
import { CopyButton } from '../parts/copy-button.tsx'
import { Icon } from '../parts/icon.tsx'
import { LongText } from './long-text.tsx'

/** With a `scope`, each value leads to the traces that have it too. */
export function AttributeTable(props: { readonly attributes: readonly KeyValue[]; readonly scope?: AttributeScope }) {
  const { attributes, scope } = props
  if (attributes.length === 0) return <p class="faint none-line">None.</p>
  return (
    <table class="attributes">
      <tbody>
        {attributes.map(({ key, value }, index) => {
          const type = attributeType(value)
          const condition = scope === undefined ? undefined : attributeCondition(scope, key, value)
          return (
            <tr key={index}>
              <th scope="row">
                <AttributeKey name={key} />
              </th>
              <td class={type}>
                <LongText text={attributeText(value)} most={600} />
                {type !== 'string' && <span class="type">{type}</span>}
              </td>
              <td class="copy-cell">
                {condition !== undefined && (
                  <a
                    class="quiet-link"
                    href={tracesUrl({ q: `{ ${condition} }` })}
                    aria-label={`Find traces with ${key.slice(0, 60)} like this`}
                    title="Find traces with this value"
                  >
                    <Icon name="search" />
                  </a>
                )}
                <CopyButton value={attributeText(value)} label={`Copy the value of ${key.slice(0, 60)}`} />
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

/** A long key breaks after its dots, as one would break it by hand. */
function AttributeKey({ name }: { readonly name: string }) {
  if (name.length > 120) return <LongText text={name} most={120} />
  return (
    <span class="text block">
      {visibleText(name)
        .split(/(?<=[._])/)
        .flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]))}
    </span>
  )
}
