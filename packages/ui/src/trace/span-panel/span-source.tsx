import type { SpanResponse } from '@spanlink/api-schema'
import { AttributeTable } from '../../components/details/attribute-table.tsx'
import { tracesWith } from './traces-with-attribute.ts'
import { Pair } from '../../components/labels/facts.tsx'
import { LongText, OptionalText } from '../../components/labels/labels.tsx'
import { Section } from '../../components/details/section.tsx'

export function SpanSource({ source }: { readonly source: SpanResponse['source'] }) {
  if (source === null) {
    return (
      <Section title="Resource and scope">
        <p class="faint">Not stored yet. A resource arrives within a second of its spans.</p>
      </Section>
    )
  }
  const { resource, scope } = source
  return (
    <>
      <Section title="Resource" count={resource.attributes.length} dropped={resource.droppedAttributesCount} open>
        <AttributeTable attributes={resource.attributes} same={tracesWith('resource')} />
        <SchemaUrl url={resource.schemaUrl} />
      </Section>
      <Section title="Scope" dropped={scope.droppedAttributesCount} open>
        <dl class="pairs">
          <Pair name="Name">
            <OptionalText text={scope.name} />
          </Pair>
          <Pair name="Version">
            <OptionalText text={scope.version} />
          </Pair>
        </dl>
        {scope.attributes.length > 0 && (
          <AttributeTable attributes={scope.attributes} same={tracesWith('instrumentation')} />
        )}
        <SchemaUrl url={scope.schemaUrl} />
      </Section>
    </>
  )
}

function SchemaUrl({ url }: { readonly url: string }) {
  return url === '' ? null : (
    <dl class="pairs">
      <Pair name="Schema" class="mono">
        <LongText text={url} maxLength={300} />
      </Pair>
    </dl>
  )
}
