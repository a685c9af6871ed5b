import type { ComponentChildren } from 'preact'
import { LoadingRows, Notice } from '../components/notice.tsx'
import type { ApiError } from '../lib/api.ts'
import { describeMissingParts } from '../lib/searched-range.ts'

/** Replaces a trace or flow that has no spans yet: still loading, not found, or failed to load. */
export function NotFound(props: {
  readonly what: 'trace' | 'flow'
  readonly traceId: string
  readonly error: ApiError | undefined
  readonly isEmpty: boolean
  readonly isRetrying: boolean
  /** The reasons why it may be missing. */
  readonly children: ComponentChildren
}) {
  const { what, error, isEmpty } = props
  if (error === undefined && !isEmpty) return <LoadingRows label={`Loading the ${what}`} />
  const isMissing = isEmpty || error?.status === 404
  return (
    <Notice
      isPage
      icon={isMissing ? 'search' : 'unplugged'}
      kind={isMissing ? 'plain' : 'error'}
      title={isMissing ? `${what === 'trace' ? 'Trace' : 'Flow'} not found` : `The ${what} could not be loaded`}
    >
      <p class="mono text">{props.traceId.slice(0, 64)}</p>
      {isMissing ? (
        <p>{props.children} This page opens it when it arrives.</p>
      ) : (
        <p>
          {error?.message} {props.isRetrying ? 'Retrying…' : ''}
        </p>
      )}
      {error?.missingParts && <p>{describeMissingParts('the trace')}</p>}
      <p>
        <a href="./">View all traces</a>
      </p>
    </Notice>
  )
}
