import type { RecordMetadata } from '@spanlink/api-schema'
import { formatRecordPath, formatRecord } from '../../lib/format/record.ts'
import { CopyButton } from '../buttons/copy-button.tsx'
import { Text } from './text.tsx'

/** Where a message is stored and its key, as entries of a `link-facts` list. */
export function RecordFacts(props: { readonly record: RecordMetadata; readonly showsCluster: boolean }) {
  const { record } = props
  const at = formatRecord(record)
  const path = formatRecordPath(record)
  return (
    <>
      {at !== '' && (
        <div class="record">
          <dt>message</dt>
          <dd>
            <Text>{at}</Text>
            {path !== '' && <CopyButton value={path} label="Copy topic/partition/offset" />}
          </dd>
        </div>
      )}
      {record.key !== '' && (
        <div>
          <dt>key</dt>
          <dd>
            <Text class="mono">{record.key}</Text>
          </dd>
        </div>
      )}
      {props.showsCluster && record.cluster !== '' && (
        <div>
          <dt>cluster</dt>
          <dd>
            <Text>{record.cluster}</Text>
          </dd>
        </div>
      )}
    </>
  )
}
