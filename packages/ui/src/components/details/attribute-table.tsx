import type { KeyValue } from '@spanlink/api-schema'
import { formatAttribute, getAttributeType } from '../../lib/format/attribute.ts'
import { sanitizeText } from '../../lib/format/sanitize.ts'
import { CopyButton } from '../buttons/copy-button.tsx'
import { Icon } from '../buttons/icon.tsx'
import { LongText } from '../labels/labels.tsx'

/** A link to other items with the same attribute value, and its label. */
export interface SameValue {
  readonly href: string
  readonly title: string
}

/** With `same`, each value links to the items that share it. */
export function AttributeTable(props: {
  readonly attributes: readonly KeyValue[]
  readonly caption?: string
  readonly same?: (attribute: KeyValue) => SameValue | undefined
}) {
  const { attributes, caption } = props
  if (attributes.length === 0) return <p class="faint none-line">None.</p>
  return (
    <table class="attributes">
      {caption !== undefined && <caption>{caption}</caption>}
      <tbody>
        {attributes.map((attribute, index) => (
          <Row key={index} attribute={attribute} same={props.same?.(attribute)} />
        ))}
      </tbody>
    </table>
  )
}

function Row({ attribute, same }: { readonly attribute: KeyValue; readonly same: SameValue | undefined }) {
  const { key, value } = attribute
  const type = getAttributeType(value)
  const text = formatAttribute(value)
  return (
    <tr>
      <th scope="row">
        <AttributeKey name={key} />
      </th>
      <td class={type}>
        <LongText text={text} maxLength={600} />
        {type !== 'string' && <span class="type">{type}</span>}
      </td>
      <td class="attribute-actions">
        <span>
          {same !== undefined && (
            <a class="quiet-link" href={same.href} aria-label={`${same.title}: ${key.slice(0, 60)}`} title={same.title}>
              <Icon name="search" />
            </a>
          )}
          <CopyButton value={text} label={`Copy the value of ${key.slice(0, 60)}`} />
        </span>
      </td>
    </tr>
  )
}

/** A long key wraps after its dots. */
function AttributeKey({ name }: { readonly name: string }) {
  if (name.length > 120) return <LongText text={name} maxLength={120} />
  return (
    <span class="text block">
      {sanitizeText(name)
        .split(/(?<=[._])/)
        .flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]))}
    </span>
  )
}
