import type { Message, MessagesResponse, SearchedRange } from '@spanlink/api-schema'
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import './messages.css'
import { describeIncompleteSearch, mergeCounts, formatSearchedRange, searchedBy } from '../lib/searched-range.ts'
import type { ApiError } from '../lib/api.ts'
import { leaveField, useKeys, type KeyBinding } from '../app/keyboard.ts'
import {
  isNeverConsumed,
  describeList,
  MESSAGE_LISTS,
  messagesPath,
  parseMessagesUrl,
  messagesUrl,
  minAgeNanos,
  MAX_MESSAGES,
  type MessagesPageState,
} from './messages-url.ts'
import { createOlderPages, removeLimit, type OlderPages } from '../lib/older-pages.ts'
import { poll } from '../lib/poll.ts'
import { createResource, type Resource } from '../lib/resource.ts'
import { useHeldList } from '../components/list/use-held-list.ts'
import { push, replace, route, usePageTitle } from '../lib/url.ts'
import { focusRow } from '../components/list/row-navigation.ts'
import { LiveButton, NewRowsButton, RefreshError, SearchedRangeText } from '../components/list/results-bar.tsx'
import { LoadingRows, Notice } from '../components/notice.tsx'
import { LoadMore } from '../components/list/load-more.tsx'
import { CountChart } from './count-chart.tsx'
import { MessageFilters } from './message-filters.tsx'
import { MESSAGE_LINKS, messageKey, MessageTable } from './message-table.tsx'

const REFRESH_INTERVAL_MS = 10_000

const paused = signal(false)

export function MessagesPage({ query }: { readonly query: URLSearchParams }) {
  const filterKey = removeLimit(query)
  const pageState = useMemo(() => parseMessagesUrl(query), [filterKey])
  // One resource per list and filters, so that a response is never shown under another heading.
  const messages = useMemo(
    () => ({ first: createResource<MessagesResponse>(), older: createOlderPages<MessagesResponse>() }),
    [pageState.list, pageState.topic, pageState.group, pageState.never, pageState.after, pageState.last],
  )
  useEffect(() => {
    const refresh = async (): Promise<void> => {
      if (messages.older.pages.peek().length === 0) await messages.first.load(messagesPath(pageState, Date.now()))
    }
    if (!paused.value) return poll(refresh, REFRESH_INTERVAL_MS)
    void refresh()
    return undefined
  }, [messages, pageState, paused.value])
  useEffect(
    () => () => {
      messages.first.stop()
      messages.older.clear()
    },
    [messages],
  )
  const [, title] = MESSAGE_LISTS.find(([list]) => list === pageState.list) ?? MESSAGE_LISTS[0]
  usePageTitle(`${title} messages`)
  useKeys('Messages', KEYS)
  return (
    <div class="page">
      <h1 class="visually-hidden">{title} messages</h1>
      <nav class="message-lists" aria-label="Lists">
        {MESSAGE_LISTS.map(([list, name, words]) => (
          <a
            key={list}
            class="tab"
            href={messagesUrl({ ...pageState, list, limit: 50 })}
            aria-current={list === pageState.list ? 'page' : undefined}
            title={words}
          >
            {name}
          </a>
        ))}
      </nav>
      <MessageFilters pageState={pageState} />
      <Results pageState={pageState} messages={messages} />
    </div>
  )
}

interface Messages {
  readonly first: Resource<MessagesResponse>
  readonly older: OlderPages<MessagesResponse>
}

function Results(props: { readonly pageState: MessagesPageState; readonly messages: Messages }) {
  const { pageState, messages } = props
  const { data, dataPath, error } = messages.first.state.value
  if (error !== undefined && (data === undefined || error.status === 400)) {
    return (
      <Notice
        icon="unplugged"
        kind="error"
        title={error.status === 400 ? (error.title ?? 'Invalid query') : 'The messages could not be loaded'}
      >
        <p>{error.message}</p>
        <p>
          <a href="messages">Clear filters</a>
        </p>
      </Notice>
    )
  }
  if (data === undefined) return <LoadingRows label="Loading messages" rows={12} />
  return <Found pageState={pageState} messages={messages} data={data} path={dataPath ?? ''} error={error} />
}

function Found(props: {
  readonly pageState: MessagesPageState
  readonly messages: Messages
  readonly data: MessagesResponse
  readonly path: string
  readonly error: ApiError | undefined
}) {
  const { pageState, messages, data } = props
  const list = useHeldList(
    messagesUrl({ ...pageState, limit: 0 }),
    collectMessages(data, messages.older.pages.value),
    messageKey,
  )
  const listed = list.rows
  const pages = [data, ...messages.older.pages.value] as const
  const range = searchedBy(pages)
  const counts = mergeCounts(pages)
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const countedTo = BigInt(data.endTimeUnixNano) - minAgeNanos(pageState)
  const counted = BigInt(range.searched.end) < countedTo ? range.searched.end : String(countedTo)
  const judgedRange: SearchedRange = { ...range, searched: { start: range.searched.start, end: counted } }
  const more = (
    <LoadMore
      older={messages.older}
      path={props.path}
      first={data}
      words={range.complete ? 'Load more' : 'Load older'}
      onLoaded={() => keepLength(collectMessages(data, messages.older.pages.peek()).length)}
    />
  )
  return (
    <>
      <div class="results-bar">
        <p class="count">
          <b>
            {total.toLocaleString('en')}
            {range.complete ? '' : '+'}
          </b>{' '}
          {total === 1 && range.complete ? 'message' : 'messages'}
          <span class="faint"> · {describeList(pageState)}</span>
          <SearchedRangeText range={judgedRange} requestedEnd={data.endTimeUnixNano} />
        </p>
        <NewRowsButton list={list} />
        <RefreshError error={props.error} />
        <LiveButton paused={paused} title="Refresh every 10 s (p)" />
      </div>
      {total > 0 && <CountChart response={data} counts={counts} searched={judgedRange.searched} total={total} />}
      {listed.length > 0 ? (
        <MessageTable
          messages={listed}
          list={data.list}
          isNeverConsumed={isNeverConsumed(pageState)}
          hold={list.hold}
          more={more}
        />
      ) : (
        <EmptyNotice pageState={pageState} range={judgedRange} requestedEnd={data.endTimeUnixNano} more={more} />
      )}
    </>
  )
}

function collectMessages(first: MessagesResponse, older: readonly MessagesResponse[]): readonly Message[] {
  return [first, ...older].flatMap(({ messages }) => messages)
}

/**
 * Stores the list length in the URL, so that coming back loads as many messages, up to the maximum
 * of one response.
 */
function keepLength(shown: number): void {
  const at = route.peek()
  if (at.page !== 'messages') return
  replace(messagesUrl({ ...parseMessagesUrl(at.query), limit: Math.min(MAX_MESSAGES, Math.max(50, shown)) }))
}

const EMPTY_LISTS: Readonly<Record<MessagesPageState['list'], readonly [title: string, words: string]>> = {
  'dead-lettered': ['No dead letters', 'No message was sent to a dead-letter topic.'],
  unconsumed: [
    'No unconsumed messages',
    'All known groups have consumed the stored messages that are older than the minimum age.',
  ],
  late: ['No late messages', 'No message exceeded the minimum queue time.'],
  retried: ['No retries', 'No retry was recorded.'],
  redelivered: ['No redeliveries', 'No repeated delivery was recorded.'],
}

function describeEmptyList(pageState: MessagesPageState): readonly [title: string, words: string] {
  const [title, words] = isNeverConsumed(pageState)
    ? ['No message was left unconsumed', 'All stored messages that are older than the minimum age have a consumer.']
    : EMPTY_LISTS[pageState.list]
  if (!hasNames(pageState)) return [title, words]
  // A filter value that matches no name must not look like an all-clear.
  return [`${title} with these filters`, 'Filters match whole names of topics and consumer groups.']
}

function hasNames(pageState: MessagesPageState): boolean {
  return pageState.topic !== '' || (pageState.group !== '' && !isNeverConsumed(pageState))
}

/** Reports an all-clear only if the whole range was searched. */
function EmptyNotice(props: {
  readonly pageState: MessagesPageState
  readonly range: SearchedRange
  readonly requestedEnd: string
  readonly more: ComponentChildren
}) {
  const { pageState, range } = props
  const [title, words] = describeEmptyList(pageState)
  const searched = formatSearchedRange(range.searched, props.requestedEnd)
  if (!range.complete) {
    return (
      <Notice icon="search" title={`${title} from ${searched}`}>
        <p>{describeIncompleteSearch(range, 'messages')}</p>
        {props.more}
      </Notice>
    )
  }
  return (
    <Notice icon={hasNames(pageState) ? 'search' : 'check'} title={title}>
      <p>
        {words} Searched {searched}. New messages appear here as they arrive.
      </p>
      {pageState.last !== '7d' && (
        <p>
          <a href={messagesUrl({ ...pageState, last: '7d' })}>Search the last 7 days</a>
        </p>
      )}
    </Notice>
  )
}

const KEYS: readonly KeyBinding[] = [
  { keys: ['j', 'ArrowDown'], does: 'Next message', run: () => focusRow(MESSAGE_LINKS, 1) },
  { keys: ['k', 'ArrowUp'], does: 'Previous message', run: () => focusRow(MESSAGE_LINKS, -1) },
  { keys: ['Enter'], does: 'Open flow', run: () => focusRow(MESSAGE_LINKS, 1) },
  { keys: ['l', 'ArrowRight'], does: 'Next list', run: () => showListBeside(1) },
  { keys: ['h', 'ArrowLeft'], does: 'Previous list', run: () => showListBeside(-1) },
  { keys: ['/'], does: 'Edit filters', run: () => document.getElementById('message-topic')?.focus() },
  { keys: ['Escape'], does: 'Exit filters', run: leaveField, whileTyping: true },
  { keys: ['p'], does: 'Pause or resume refreshing', run: () => (paused.value = !paused.value) },
]

function showListBeside(by: 1 | -1): void {
  const at = route.peek()
  if (at.page !== 'messages') return
  const pageState = parseMessagesUrl(at.query)
  const index = MESSAGE_LISTS.findIndex(([list]) => list === pageState.list)
  const next = MESSAGE_LISTS[(index + by + MESSAGE_LISTS.length) % MESSAGE_LISTS.length]
  if (next !== undefined) push(messagesUrl({ ...pageState, list: next[0], limit: 50 }))
}
